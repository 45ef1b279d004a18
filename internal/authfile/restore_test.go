// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRestoreLeavesAnotherToolsLogin(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	theirs := strings.Replace(before, "b2xk", "dGhlaXJz", 1)
	write(t, f.Path(), theirs)
	mustRestore(t, f, nil, host+": not ours")
	mustRestore(t, f, []string{host}, host+": unknown")
	wantText(t, f, theirs)
	wantNothingElse(t, f)
}

func TestRestoreOfWhatIsGone(t *testing.T) {
	for _, text := range []string{`{"auths":{}}`, `{}`} {
		f := tempFile(t, before)
		mustSet(t, f, login(host, "1"))
		write(t, f.Path(), text)
		mustRestore(t, f, nil, host+": gone")
		wantText(t, f, text)
		wantNothingElse(t, f)
	}
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	if err := os.Remove(f.Path()); err != nil {
		t.Fatal(err)
	}
	mustRestore(t, f, []string{host, "new.example"}, host+": gone", "new.example: nothing")
	wantFiles(t, f)
}

func TestRestoreWithoutState(t *testing.T) {
	f := tempFile(t, before)
	mustRestore(t, f, []string{host, "new.example"}, host+": unknown", "new.example: nothing")
	mustRestore(t, f, nil)
	wantText(t, f, before)
	wantNothingElse(t, f)
	missing := open(t, filepath.Join(t.TempDir(), "no", "folder", "config.json"))
	mustRestore(t, missing, []string{host}, host+": nothing")
	wantFiles(t, open(t, filepath.Dir(filepath.Dir(missing.Path()))))
}

func TestRestoreOfOneKeyLeavesTheOthers(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login("new.example/acme", "1"), login(host, "2"), login("else.example", "3"))
	mustRestore(t, f, []string{host}, host+": restored")
	mustRestore(t, f, nil, "else.example: restored", "new.example/acme: removed")
	wantText(t, f, before)
}

// Docker and podman indent the whole file anew whenever they write it.
func TestRestoreAfterAnotherToolReformats(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"), login("new.example", "2"))
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(read(t, f.Path())), "", "    "); err != nil {
		t.Fatal(err)
	}
	write(t, f.Path(), text.String())
	mustRestore(t, f, nil, "new.example: removed", host+": restored")
	if got, want := decode(t, []byte(read(t, f.Path()))), decode(t, []byte(before)); len(got) != 2 || string(got[host]) != string(want[host]) {
		t.Errorf("the file holds %q", got)
	}
}

// A registry stands for its organizations too.
func TestRestoreOfAHostTakesItsOrganizations(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login("new.example/acme", "1"), login("new.example/other", "2"), login("else.example/acme", "3"))
	mustRestore(t, f, []string{"new.example"}, "new.example: nothing", "new.example/acme: removed", "new.example/other: removed")
	mustRestore(t, f, nil, "else.example/acme: removed")
	wantText(t, f, before)
}

// Without a state, a restore of everything names what a login of ours may have
// left, and touches nothing.
func TestRestoreOfEverythingWithoutState(t *testing.T) {
	const jwt = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
	f := tempFile(t, `{"auths":{"other.example":{"auth":"eDp5"}},"credHelpers":{"helped.example":"quay-keyless","else.example":"pass"}}`)
	mustSet(t, f, login(host, jwt))
	text := read(t, f.Path())
	if err := os.Remove(f.recordPath()); err != nil {
		t.Fatal(err)
	}
	mustRestore(t, f, nil, "helped.example: unknown", host+": unknown")
	wantText(t, f, text)
}

// A file that a login created goes with it, unless somebody needs it.
func TestCreatedFile(t *testing.T) {
	for name, c := range map[string]struct {
		later string
		keep  bool
		want  string // "" for no file
	}{
		"alone":             {},
		"named by variable": {keep: true, want: "{\n\t\"auths\": {}\n}\n"},
		"emptied by others": {later: `{"auths":{},"credHelpers":{}}`},
		"another login":     {later: `{"auths":{"o":{}}}`, want: `{"auths":{"o":{}}}`},
		"a setting":         {later: `{"auths":{},"currentContext":"x"}`, want: `{"auths":{},"currentContext":"x"}`},
		"not JSON":          {later: `[]`, want: `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, filepath.Join(t.TempDir(), "new", "config.json"))
			mustSet(t, f, login(host, "1"))
			mustSet(t, f, login(host, "2"))
			if c.keep {
				f.Keep = true
			}
			if c.later != "" {
				write(t, f.Path(), c.later)
			}
			_, _, _ = f.Restore(t.Context())
			if c.want == "" {
				wantFiles(t, f)
				return
			}
			wantText(t, f, c.want)
		})
	}
	f := tempFile(t, `{"auths":{}}`)
	mustSet(t, f, login(host, "1"))
	mustRestore(t, f, nil, host+": removed")
	wantText(t, f, `{"auths":{}}`)
}

// A login for an organization can be under the host's name, in docker's file.
func TestRestoreOfAnOrganizationUnderItsHost(t *testing.T) {
	f := tempFile(t, before)
	entry := login(host, "1")
	entry.Org = "acme"
	mustSet(t, f, entry)
	mustRestore(t, f, []string{host + "/other"}, host+"/other: nothing")
	mustRestore(t, f, []string{host + "/acme"}, host+": restored")
	wantText(t, f, before)
	wantNothingElse(t, f)
}
