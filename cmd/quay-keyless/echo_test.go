// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// echoForms are how a server may show a part of the request that it got.
var echoForms = map[string]func(string) string{
	"plain":              func(s string) string { return s },
	"URL-encoded":        url.QueryEscape,
	"hex":                func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":                func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, one before": func(s string) string { return base64.URLEncoding.EncodeToString([]byte("?" + s)) },
	"base64, two before": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("??" + s)) },
	"across a cut": func(s string) string {
		return strings.Repeat("x", max(0, 490-len(s)/2)) + s + strings.Repeat("x", 5000)
	},
}

// echo is a world in which ECHO in an answer is what was asked with so far.
type echo struct {
	*world
	form func(string) string

	mu   sync.Mutex
	sent []string // the secrets among it
}

func (e *echo) RoundTrip(request *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	header := request.Header.Get("Authorization")
	_, credential, _ := strings.Cut(header, " ")
	e.sent = append(e.sent, credential)
	if user, password, ok := request.BasicAuth(); ok {
		e.sent = append(e.sent, password)
		header = "Basic%20" + credential + " " + user
	}
	if request.Body != nil {
		form, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		if values, err := url.ParseQuery(string(form)); err == nil {
			e.sent = append(e.sent, values.Get("client_secret"), values.Get("password"))
		}
		header += " " + string(form)
	}
	response, err := e.world.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	shown := []string{e.form(header)}
	for _, secret := range e.sent {
		shown = append(shown, e.form(secret))
	}
	fill := strings.NewReplacer("ECHO", strings.ReplaceAll(strings.Join(shown, " "), `"`, `\"`))
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(strings.NewReader(fill.Replace(string(text))))
	for name, values := range response.Header {
		for i, value := range values {
			values[i] = fill.Replace(value)
		}
		response.Header[name] = values
	}
	return response, nil
}

// TestEchoesShowNoSecret: a server that shows what it was asked with, wherever its words
// are shown and in whatever form, puts no credential into what the program says.
func TestEchoesShowNoSecret(t *testing.T) {
	t.Parallel()
	secrets := 0
	for _, p := range slices.Concat(quayPlaces(), tokenPlaces(), apiPlaces()) {
		for name, form := range echoForms {
			w := newWorld()
			if p.oidc {
				for variable, value := range map[string]string{"QUAY_OIDC_ISSUER": worldIssuer, "OIDC_CLIENT_ID": "quay", "OIDC_CLIENT_SECRET": worldClient, "QUAY_ID_TOKEN_ENV": ""} {
					w.variables[variable] = value
				}
			}
			p.put(w, "ECHO")
			e := &echo{world: w, form: form}
			j := w.runOver(t, "terminal", strings.Fields(p.args), e)
			for _, secret := range e.sent {
				if len(secret) < 8 {
					continue
				}
				secrets++
				for kind, form := range echoForms {
					if kind == "across a cut" {
						continue
					}
					part := form(secret)
					part = part[len(part)/2 : min(len(part)/2+8, len(part)-3)]
					if strings.Contains(j.stdout+j.stderr, part) {
						t.Errorf("%s, %s: the program shows %.40s..., %s:\n%s%s", p.name, name, secret, kind, j.stdout, j.stderr)
					}
				}
				if first := secret[:min(len(secret), 16)]; name == "across a cut" && strings.Contains(j.stdout+j.stderr, first) {
					t.Errorf("%s: a part of a secret is left: %s%s", p.name, j.stdout, j.stderr)
				}
			}
			for line := range strings.Lines(j.stdout + j.stderr) {
				if len(line) > 3*4200 && !strings.Contains(p.args, "list") { // a table has three columns, and its JSON is whole
					t.Errorf("%s, %s: a line of %d bytes: %s", p.name, name, len(line), line)
				}
			}
		}
	}
	if secrets < 1000 {
		t.Errorf("%d secrets were sent, want more", secrets)
	}
}
