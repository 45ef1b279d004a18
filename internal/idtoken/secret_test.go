// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"strings"
	"testing"

	"quay-keyless/internal/idtoken"
)

const password = "hunter2"

// holders are the shapes in which a secret may come to be printed.
func holders() map[string]any {
	type inner struct{ secret idtoken.Secret }
	type outer struct {
		Name   string
		Inner  inner
		Shown  idtoken.Secret
		hidden *inner
	}
	secret := idtoken.NewSecret(password)
	return map[string]any{
		"itself":     secret,
		"pointer":    &secret,
		"unexported": inner{secret},
		"nested":     outer{"n", inner{secret}, secret, &inner{secret}},
		"pointed at": &outer{"n", inner{secret}, secret, &inner{secret}},
		"slice":      []idtoken.Secret{secret},
		"map value":  map[string]idtoken.Secret{"k": secret},
		"map key":    map[idtoken.Secret]string{secret: "v"},
		"any":        []any{secret, inner{secret}},
		"error":      fmt.Errorf("with %v and %w", secret, io.EOF),
		"joined":     errors.Join(fmt.Errorf("with %+v", inner{secret})),
	}
}

// leaks reports the secret in clear, in hexadecimal or as numbers.
func leaks(text string) bool {
	numbers := strings.Trim(fmt.Sprint([]byte(password)), "[]")
	for _, form := range []string{password, fmt.Sprintf("%x", password), fmt.Sprintf("%X", password), numbers} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestSecretInFormatVerbs(t *testing.T) {
	t.Parallel()
	for name, holder := range holders() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%p", "%T", "%t", "%U", "%c", "%10.3s", "%!"} {
			if text := fmt.Sprintf(verb, holder); leaks(text) {
				t.Errorf("%s with %s: %s", name, verb, text)
			}
		}
		if text := fmt.Sprint(holder) + fmt.Sprintln(holder); leaks(text) {
			t.Errorf("%s: %s", name, text)
		}
	}
	secret := idtoken.NewSecret(password)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, secret); text != "[secret]" {
			t.Errorf("%s is %q", verb, text)
		}
	}
	if secret.String() != "[secret]" {
		t.Errorf("as a string: %q", secret.String())
	}
}

func TestSecretInEncoders(t *testing.T) {
	t.Parallel()
	for name, holder := range holders() {
		var out bytes.Buffer
		written, _ := json.Marshal(holder) // what cannot be encoded leaks nothing either
		out.Write(written)
		written, _ = xml.Marshal(holder)
		out.Write(written)
		_ = gob.NewEncoder(&out).Encode(holder)
		slog.New(slog.NewTextHandler(&out, nil)).Info("login", "it", holder)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("login", "it", holder)
		if err := template.Must(template.New("").Parse("{{.}}")).Execute(&out, holder); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if leaks(out.String()) {
			t.Errorf("%s: %q", name, out.String())
		}
	}
	written, err := json.Marshal(map[string]idtoken.Secret{"token": idtoken.NewSecret(password)})
	if string(written) != `{"token":"[secret]"}` || err != nil {
		t.Errorf("JSON is %s, %v", written, err)
	}
}

func TestSecretReveals(t *testing.T) {
	t.Parallel()
	var zero idtoken.Secret
	if zero.Reveal() != "" || !zero.Empty() || zero.String() != "[secret]" {
		t.Errorf("the zero secret is %q", zero.Reveal())
	}
	if !idtoken.NewSecret("").Empty() || idtoken.NewSecret(password).Empty() {
		t.Error("empty is not what it should be")
	}
	if got := idtoken.NewSecret(password).Reveal(); got != password {
		t.Errorf("revealed %q", got)
	}
}
