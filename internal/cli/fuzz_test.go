// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// FuzzTrust reads what --ca-certificate was given. What is no certificate is an
// error, never an empty trust.
func FuzzTrust(f *testing.F) {
	const head, foot = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
	for _, seed := range []string{"", " ", "/no/such/file", head + "AAAA\n" + foot, head, "LS0tLS1CRUdJTiA=", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		f.Add(seed)
	}
	absent := errors.New("no such file")
	f.Fuzz(func(t *testing.T, text string) {
		config, err := trust(text, func(string) ([]byte, error) { return nil, absent })
		if err == nil && (config.InsecureSkipVerify || (config.RootCAs == nil) != (text == "")) {
			t.Errorf("%q: %+v", text, config)
		}
	})
}

// FuzzAPIToken reads what is in QUAY_API_TOKEN and in the file of --api-token-file. A
// token fits into a header, and of what is none a job's log has nothing but the mask.
func FuzzAPIToken(f *testing.F) {
	for _, seed := range []string{"", " \n", "QUAYTOKEN", " QUAYTOKEN\r\n", "two words", "a\n::add-mask::b", "\x00", "töken", "%0A::error::x", "words that stand where the token should"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, file := range []string{"", "token"} {
			var log bytes.Buffer
			getenv := func(name string) string {
				return map[string]string{"GITHUB_ACTIONS": "true", apiTokenVariable: text}[name]
			}
			a := &app{
				env:  Env{Getenv: getenv, ReadFile: func(context.Context, string) ([]byte, error) { return []byte(text), nil }},
				host: host.Detect(host.Env{Getenv: getenv, Words: &log, Results: &log}),
			}
			token, err := a.apiToken(t.Context(), file)
			if got := token.Reveal(); err == nil && (got != strings.TrimSpace(text) || strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' })) {
				t.Errorf("%q: the token %q", text, got)
			}
			if err != nil && (!token.Empty() || len(text) > 20 && strings.Contains(err.Error(), text)) {
				t.Errorf("%q: %v", text, err)
			}
			for line := range strings.Lines(log.String()) {
				if !strings.HasPrefix(line, "::add-mask::") {
					t.Errorf("%q: the log has %q", text, line)
				}
			}
		}
	})
}

// FuzzTargets reads the names of a command line. A key for an auth file is one word,
// and what a hint has the user paste is one line in which a shell finds the program's
// name alone.
func FuzzTargets(f *testing.F) {
	f.Add("quay.example.com", "acme+ci", "quay", "repo:acme/app:ref:refs/heads/main")
	f.Add("[::1]:8443/acme", "quay.io/acme+ci", "quay.io=a", "x\n$(id)`id`;id|id>f\x1b[2J")
	f.Add("https://quay.io", "acme+ci\n", "quay.io=", "'\"'")
	f.Fuzz(func(t *testing.T, registry, robot, audience, subject string) {
		where, err := quay.ParseRegistry(registry)
		if err != nil {
			return
		}
		who, err := quay.ParseRobot(robot)
		if err != nil {
			return
		}
		targets := []target{{registry: where, robot: who}}
		flags := identityFlags{audiences: []string{audience}}
		if flags.assignAudiences(targets) == nil && strings.TrimSpace(targets[0].audience) == "" {
			t.Errorf("%q: no audience", audience)
		}
		if key := where.Key(); strings.ContainsFunc(key, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
			t.Errorf("%q: the key %q", registry, key)
		}
		claims := idtoken.Claims{Issuer: "https://issuer.example", Subject: subject}
		words, ok := shellWords(targets[0].addCommand(claims))
		want := []string{"quay-keyless", "federation", "add", targets[0].atHost(), "--robot", who.String(), "--issuer", claims.Issuer, "--subject", subject}
		if !ok || !slices.Equal(words, want) {
			t.Errorf("the shell finds %q, not %q", words, want)
		}
	})
}

// shellWords splits a line as a shell does (POSIX, section 2.2), where only single
// quotes and backslashes quote. What a shell would expand or run makes it false.
func shellWords(line string) (words []string, ok bool) {
	var word strings.Builder
	inside, begun := false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\'':
			inside, begun = !inside, true
		case inside:
			word.WriteByte(c)
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case c == ' ':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
			continue
		case strings.IndexByte("$`;&|<>()\"\n\t*?[]#~{}!\x00", c) >= 0:
			return nil, false
		default:
			word.WriteByte(c)
		}
		begun = true
	}
	if begun {
		words = append(words, word.String())
	}
	return words, !inside
}
