// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	const main = "repo:acme/app:ref:refs/heads/main"
	for _, test := range []struct{ stored, shown, want string }{
		{main, main, ""},
		{"https://issuer.example/", "https://issuer.example", "the stored one ends with a slash, this job's does not"},
		{"https://issuer.example", "https://issuer.example/", "this job's ends with a slash, the stored one does not"},
		{"repo:Acme/app:ref:refs/heads/main", main, "upper and lower case, from character 6 on"},
		{main + "\u200b", main, "the stored one has characters that cannot be seen: U+200B"},
		{main, main + " ", "this job's has characters that cannot be seen: a space at an end"},
		{"\ufeff" + main, main + "\u00a0", "the stored one has characters that cannot be seen: U+FEFF; this job's has characters that cannot be seen: U+00A0"},
		{"repo:acme/*", main, "the stored one has a *, and Quay knows no wildcards"},
		{"repo:acme/app:ref:refs/heads/dev", main, "from character 30 on"},
		{"", main, "from character 1 on"},
		{"repo:acme/äpp", "repo:acme/äpq", "from character 13 on"},
	} {
		if got := Difference(test.stored, test.shown); got != test.want {
			t.Errorf("%q and %q: %q, want %q", test.stored, test.shown, got, test.want)
		}
	}
}

func TestBeside(t *testing.T) {
	t.Parallel()
	got := Beside("subject", "repo:acme/äpp\u200b:x ", "repo:acme/äpp:x")
	want := []string{
		"subject stored  repo:acme/äpp<U+200B>:x<space>",
		"subject here    repo:acme/äpp:x",
		"                             ^",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := Beside("issuer", "a", "a"); got != nil {
		t.Errorf("of equal ones: %q", got)
	}
}

func FuzzDifference(f *testing.F) {
	f.Add("https://issuer.example/", "https://issuer.example")
	f.Add("\u200b ", " ")
	f.Fuzz(func(t *testing.T, stored, shown string) {
		if !utf8.ValidString(stored) || !utf8.ValidString(shown) {
			return // JSON cannot carry it
		}
		if words := Difference(stored, shown); (words == "") != (stored == shown) {
			t.Errorf("%q and %q differ by %q", stored, shown, words)
		}
		if d := Distance(stored, shown); d != Distance(shown, stored) || d < 0 {
			t.Errorf("%q and %q are %d apart", stored, shown, d)
		}
		for _, line := range Beside("subject", stored, shown) {
			if strings.ContainsAny(line, "\r\n\x1b") {
				t.Errorf("%q", line)
			}
		}
	})
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ä", "a", 1}, {"flaw", "lawn", 2}} {
		if got := Distance(test.a, test.b); got != test.want {
			t.Errorf("%q and %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
	long := strings.Repeat("a", 100*maxCompared)
	if got := Distance(long+"b", "b"+long); got != 1 { // and not after half an hour
		t.Errorf("texts that differ where they are not compared: %d", got)
	}
}
