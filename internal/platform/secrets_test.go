// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
)

// echoes are the forms in which a server may show what it was sent.
var echoes = map[string]func(string) string{
	"plain":              func(s string) string { return s },
	"URL-encoded":        url.QueryEscape,
	"URL-encoded path":   url.PathEscape,
	"lower case":         func(s string) string { return each(s, "%%%02x") },
	"upper case":         func(s string) string { return each(s, "%%%02X") },
	"URL-encoded twice":  func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"hex":                func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":                func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 of a login":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte("acme+ci:" + s)) },
	"base64, one before": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("?" + s + "??")) },
	"base64, two before": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("~~" + s + "~")) },
	"URL alphabet":       func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("a:" + s)) },
	"URL-encoded base64": func(s string) string {
		return "Basic%20" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("acme+ci:"+s)))
	},
	"after other digits":    func(s string) string { return "20" + base64.StdEncoding.EncodeToString([]byte("acme+ci:"+s)) },
	"base64 of URL-encoded": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("id:" + url.QueryEscape(s))) },
	"base64 of a header": func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("acme+ci:"+s))))
	},
	"hex of a login": func(s string) string { return hex.EncodeToString([]byte("acme+ci:" + s)) },
	"folded": func(s string) string {
		encoded := base64.StdEncoding.EncodeToString([]byte(s))
		return encoded[:len(encoded)/2] + "\r\n " + encoded[len(encoded)/2:]
	},
	"quoted": func(s string) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "/", `\/`)
	},
	"cut off at the end": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("acme+ci:" + s))[:34] },
}

func each(text, format string) string {
	var all strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&all, format, text[i])
	}
	return all.String()
}

// shown reports whether a text still holds a run of eight letters of a secret, in any
// form.
func shown(text, secret string) string {
	for name, echo := range echoes {
		form := strings.NewReplacer("\r\n ", "", `\`, "").Replace(echo(secret))
		if name != "plain" && len(form) > 12 {
			form = form[4 : len(form)-4] // the ends may belong to something else
		}
		if strings.Contains(text, form[len(form)-8:]) {
			return name
		}
	}
	return ""
}

// What a server says of the request that it got shows no secret, in whatever form: the
// words around it stay.
func TestEchoesAreRedacted(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhY21lK2NpIn0.c2lnbmF0dXJl-_x", "OPAQUE-TOKEN-OF-THE-API-0123456789", "p/ss w+rd?~>%41'\"ü",
	} {
		for name, echo := range echoes {
			var out bytes.Buffer
			h := detect(nil, &out)
			h.Mask(idtoken.NewSecret(secret + "\n"))
			h.Warn(platform.Message{Text: "before " + echo(secret) + " after", Hints: []string{"before " + echo(secret) + " after"}})
			said := out.String()
			if found := shown(said, secret); found != "" || strings.Count(said, "before ") != 2 || strings.Count(said, " after\n") != 2 {
				t.Errorf("%q, %s: %s is in %q", secret, name, found, said)
			}
		}
	}
}

// A cut leaves no part of a secret behind that stood across it.
func TestRedactedBeforeTheCut(t *testing.T) {
	t.Parallel()
	const secret = "OPAQUE-TOKEN-OF-THE-API-0123456789"
	for before := 400; before < 5000; before += 61 {
		for _, format := range []string{`refused: "%" (HTTP 400)`, "refused: %", "%"} {
			var out bytes.Buffer
			h := detect(nil, &out)
			h.Mask(idtoken.NewSecret(secret))
			for _, fill := range []string{"x", "x "} {
				h.Warn(platform.Message{Text: strings.ReplaceAll(format, "%", strings.Repeat(fill, before/len(fill))+secret+strings.Repeat(fill, 600))})
			}
			if strings.Contains(out.String(), secret[:4]) || strings.Contains(out.String(), secret[len(secret)-4:]) {
				t.Fatalf("%d, %s: %s", before, format, out.String())
			}
		}
	}
}

// Others' words are cut, ours around them are not; what people copy is there whole or
// not at all.
func TestLongWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 50_000)
	for text, want := range map[string]int{
		`quay.example refused: "` + long + `" (HTTP 400)`:                                                         600,
		`quay.example refused: "` + strings.Repeat("long ", 100) + `" (HTTP 400)`:                                 600,
		`quay.example refused: "` + strings.Repeat(`\"\\`, 100_000) + `" (HTTP 400)`:                              4200,
		"certificate is valid for " + strings.Repeat("a.example, ", 10_000) + "not quay.example (HTTP 400)":       4200,
		"certificate is valid for " + long + ".example, not quay.example (HTTP 400)":                              850,
		"issuer " + long + ", subject " + long + ", and they say " + strings.Repeat("ü", 100_000) + " (HTTP 400)": 1700,
	} {
		var out bytes.Buffer
		detect(nil, &out).Warn(platform.Message{Text: text, Hints: []string{"quay-keyless --subject '" + long + "'", strings.Repeat("a", 4000)}})
		lines := strings.Split(out.String(), "\n")
		if len(lines[0]) > want || !strings.HasSuffix(lines[0], "(HTTP 400)") || !strings.HasPrefix(lines[0], "warning: "+text[:12]) {
			t.Errorf("%.80q becomes %d bytes: %s", text, len(lines[0]), lines[0])
		}
		if lines[1] != "         (left out: 200025 bytes)" || len(lines[2]) != 9+4000 {
			t.Errorf("the hints are %q", lines[1:])
		}
	}
}

// FuzzRedact looks for words around a secret among which it is not found.
func FuzzRedact(f *testing.F) {
	f.Add("before ", "OPAQUE-TOKEN-OF-THE-API-0123456789", " after")
	f.Add("20", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhY21lK2NpIn0.c2lnbmF0dXJl", "%")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		if secret = strings.TrimSpace(secret); len(secret) < 20 || strings.ContainsAny(secret, " \t\r\n\\\"'") || len(before)+len(after) > 1000 {
			return
		}
		if strings.Contains(secret, "%2") { // encoded percent signs, which a decoding more changes
			return
		}
		secrets := new(platform.Secrets)
		secrets.Add(idtoken.NewSecret(secret))
		for name, echo := range echoes {
			form := echo(secret)
			if strings.Contains(before+"|"+after, form[len(form)/2:]) {
				continue
			}
			if said := secrets.Redact(before + form + after); strings.Contains(said, form) {
				t.Errorf("%s: %q is in %q", name, form, said)
			}
		}
	})
}

// A server chooses how long its words are, and what is in them. Whatever it is, looking
// through them takes no time that a user would notice.
func TestWordsTakeNoTime(t *testing.T) { // not in parallel: it counts allocations
	const million = 1 << 20
	var secrets platform.Secrets
	secrets.Add(idtoken.NewSecret("a-secret-of-some-length"))
	for name, text := range map[string]string{
		"URL-encoded a million times": "%" + strings.Repeat("25", million/2),
		"a million commands":          strings.Repeat("##[", million/3),
		"a million secrets":           strings.Repeat("a-secret-of-some-length", million/23),
	} {
		steps := testing.AllocsPerRun(1, func() {
			_ = secrets.Line(text)
			_ = secrets.Whole(text)
			_ = platform.Unmarked(text, " [")
		})
		if steps > 100_000 {
			t.Errorf("%s: %.0f allocations", name, steps)
		}
	}
}
