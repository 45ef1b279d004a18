// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

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
		targets := []request.Target{{Registry: where, Robot: who}}
		flags := request.IdentityFlags{Audiences: []string{audience}}
		if flags.AssignAudiences(targets) == nil && strings.TrimSpace(targets[0].Audience) == "" {
			t.Errorf("%q: no audience", audience)
		}
		if key := where.Key(); strings.ContainsFunc(key, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
			t.Errorf("%q: the key %q", registry, key)
		}
		claims := idtoken.Claims{Issuer: "https://issuer.example", Subject: subject}
		words, ok := shellWords(AddCommand(targets[0], claims))
		want := []string{"quay-keyless", "federation", "add", atHost(targets[0]), "--robot", who.String(), "--issuer", claims.Issuer, "--subject", subject}
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
