// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// sheet writes random JSON for auth files, with any white space that JSON allows.
type sheet struct {
	*rand.Rand
	strings.Builder
}

func (s *sheet) space() string {
	return []string{"", "", " ", "\n", "\t", "\r\n", "\n  ", "  \n\t"}[s.IntN(8)]
}

// object writes one with some of these keys, each once, in any order.
func (s *sheet) object(value func(key string), keys ...string) {
	s.WriteString("{" + s.space())
	some := s.Perm(len(keys))[:s.IntN(len(keys)+1)]
	for i, k := range some {
		if i > 0 {
			s.WriteString(s.space() + "," + s.space())
		}
		fmt.Fprintf(s, "%q%s:%s", keys[k], s.space(), s.space())
		value(keys[k])
	}
	s.WriteString(s.space() + "}")
}

func (s *sheet) login(string) { s.WriteString(`{` + s.space() + `"auth":"b2xk"` + s.space() + `}`) }

func (s *sheet) file() string {
	s.Reset()
	s.WriteString(s.space())
	s.object(func(key string) {
		switch key {
		case "auths":
			s.object(s.login, host, host+"/acme", "a", "z")
		case "credHelpers":
			s.object(func(string) { s.WriteString(`"pass"`) }, "a", host, "z")
		default:
			s.WriteString("1.0")
		}
	}, "auths", "credHelpers", "other")
	s.WriteString(s.space())
	return s.String()
}

// TestEveryByteComesBack logs in to random files with unusual white space, in several
// ways after each other, and out.
func TestEveryByteComesBack(t *testing.T) {
	helper := func(host string) []edit { list, _ := edits(helps(Hold{}, host)); return list }
	token := func(key string) []edit {
		return []edit{{object: auths, key: key, value: login(host, "1").value()}, {object: credHelpers, key: key}}
	}
	ways := [][]edit{helper(host), helper("b"), token(host), token(host + "/acme")}
	s := &sheet{Rand: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // the same files in each run
	for range 5_000 {
		before := s.file()
		text, known := []byte(before), record{}
		order := s.Perm(len(ways))[:1+s.IntN(len(ways))]
		var err error
		for _, way := range order {
			if text, known, err = splice(text, known, ways[way]); err != nil {
				t.Fatal(err)
			}
		}
		if text, _, err = unsplice(text, known); err != nil || string(text) != before {
			t.Fatalf("%q became, after the logins %v and a logout, %q, %v", before, order, text, err)
		}
	}
}
