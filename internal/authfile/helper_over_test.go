// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// beforeBoth has a login and a foreign helper for the host.
const beforeBoth = `{"auths":{"a":{}, "` + host + `": {"auth":"b2xk"} , "z":{}},"credHelpers":{"` + host + `":"pass","else.example":""}}`

func TestHelperAndLoginKeepTheFirstOldValues(t *testing.T) {
	static := func(t *testing.T, f *File) { mustSet(t, f, login(host, "secret")) }
	helped := func(t *testing.T, f *File) { mustSetHelper(t, f, host) }
	for name, steps := range map[string][]func(*testing.T, *File){
		"helper over login":               {static, helped},
		"login over helper":               {helped, static},
		"helper over helper":              {helped, helped},
		"login over helper over login":    {static, helped, static},
		"helper over login over helper":   {helped, static, helped},
		"again and again":                 {helped, helped, static, static, helped, helped, static},
		"helper at last":                  {static, static, helped, static, helped},
		"login with a token of an hour's": {helped, static, static},
	} {
		for _, before := range []string{`{}`, "{\n  \"auths\": {}\n}\n", before, beforeBoth, `{"x":1}`} {
			t.Run(name, func(t *testing.T) {
				f := tempFile(t, before)
				for _, step := range steps {
					step(t, f)
					wantOneOfBoth(t, f)
				}
				if _, _, err := f.Restore(t.Context(), host); err != nil {
					t.Fatal(err)
				}
				wantText(t, f, before)
				wantNothingElse(t, f)
			})
		}
	}
}

// wantOneOfBoth fails where the host has a login and our helper, or where the
// record holds what opens a registry.
func wantOneOfBoth(t *testing.T, f *File) {
	t.Helper()
	text := []byte(read(t, f.Path()))
	_, static := decode(t, text)[host]
	if helped := helpers(t, text)[host] == OwnHelper; static == helped && (static || helpers(t, text)[host] == "") {
		t.Errorf("login %t and helper %t in %s", static, helped, text)
	}
	kept := read(t, f.recordPath())
	for _, secret := range []string{"secret", Credential("acme+ci", login(host, "secret").Token).Reveal()} {
		if strings.Contains(kept, secret) {
			t.Errorf("the record holds %q", secret)
		}
	}
	_, r, _, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range r.Keys {
		texts := [][]byte{known.Old, known.Was}
		for _, text := range texts {
			if bytes.Contains(text, login(host, "secret").value()) {
				t.Errorf("the record keeps our own login: %s", text)
			}
		}
	}
}

// A user may have named our helper in an image: a login takes it out, as it would
// win, and puts it back. Another's helper is for the caller to tell of.
func TestLoginOverAHelperOfTheUsers(t *testing.T) {
	before := `{"credHelpers":{"else.example":"quay-keyless","` + host + `" : "quay-keyless"}}`
	f := tempFile(t, before)
	mustSet(t, f, login(host, "secret"))
	wantOneOfBoth(t, f)
	if got := helpers(t, []byte(read(t, f.Path())))["else.example"]; got != OwnHelper {
		t.Errorf("the helper of another host is %q", got)
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)

	before = `{"credHelpers":{"` + host + `":"pass"}}`
	f = tempFile(t, before)
	mustSet(t, f, login(host, "secret"))
	if got := helpers(t, []byte(read(t, f.Path())))[host]; got != "pass" {
		t.Errorf("another's helper is %q", got)
	}
	mustRestore(t, f, nil, host+": removed")
	wantText(t, f, before)
}

// A helper for the whole registry would win over the login of an organization too: it
// stays removed until the last of them is gone.
func TestLoginOfAnOrganizationOverAHelper(t *testing.T) {
	const acme, other = host + "/acme", host + "/other"
	for name, c := range map[string]struct {
		before string
		helped bool // by a login of ours
	}{
		"ours":              {`{"auths":{}}`, true},
		"ours over a login": {before, true},
		"the user's":        {`{"credHelpers":{"` + host + `" : "quay-keyless"},"x":1}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := tempFile(t, c.before)
			if c.helped {
				mustSetHelper(t, f, host)
			}
			mustSet(t, f, login(acme, "secret"), login(other, "secret"))
			for _, logout := range [][]string{nil, {other}, {acme}} {
				if logout != nil {
					mustRestore(t, f, logout, logout[0]+": removed")
				}
				helper := helpers(t, []byte(read(t, f.Path())))[host]
				if last := len(logout) > 0 && logout[0] == acme; helper != "" && !last {
					t.Errorf("after logout %q the helper is %q", logout, helper)
				}
			}
			wantText(t, f, c.before)
			wantNothingElse(t, f)
		})
	}
}

func TestRestoreAfterOtherToolsWrote(t *testing.T) {
	for name, test := range map[string]struct{ now, want, result string }{
		"podman logout --all": {
			`{"auths":{}}`,
			`{"auths":{"` + host + `": {"auth":"b2xk"}}}`, "restored",
		},
		"another helper": {
			`{"auths":{"a":{}},"credHelpers":{"` + host + `":"theirs"}}`,
			`{"auths":{"a":{},"` + host + `": {"auth":"b2xk"}},"credHelpers":{"` + host + `":"theirs"}}`, "not ours",
		},
		"another login": {
			`{"auths":{"` + host + `":{"auth":"dGhlaXJz"}},"credHelpers":{"` + host + `":"quay-keyless"}}`,
			`{"auths":{"` + host + `":{"auth":"dGhlaXJz"}}}`, "not ours",
		},
		"the neighbours left": {
			`{"auths":{"new":{"auth":""}},"credHelpers":{"` + host + `":"quay-keyless"}}`,
			`{"auths":{"new":{"auth":""},"` + host + `":{"auth":"b2xk"}}}`, "restored",
		},
		"all is gone": {
			`{"credHelpers":{"` + host + `" : "quay-keyless"}}`,
			`{"auths":{"` + host + `":{"auth":"b2xk"}}}`, "restored",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := tempFile(t, `{"auths":{"a":{},"`+host+`":{"auth":"b2xk"},"z":{}}}`)
			mustSetHelper(t, f, host)
			write(t, f.Path(), test.now)
			mustRestore(t, f, nil, host+": "+test.result)
			got := read(t, f.Path())
			if squeeze(t, got) != squeeze(t, test.want) {
				t.Errorf("%s became %s, want %s", test.now, got, test.want)
			}
			wantNothingElse(t, f)
		})
	}
}

// squeeze also drops an empty credHelpers, which another tool's writing may have
// left where there was none before.
func squeeze(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(strings.Replace(out.String(), `"credHelpers":{},`, "", 1), `,"credHelpers":{}`, "", 1)
}
