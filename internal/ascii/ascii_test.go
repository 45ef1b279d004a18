// SPDX-License-Identifier: Apache-2.0

package ascii_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"quay-keyless/internal/ascii"
)

func TestHost(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                            "",
		"quay.io":                     "",
		"xn--bcher-kva.example":       "",
		"[::1]:8443":                  "",
		"a b\x00\x7f":                 "", // odd, but another check's
		"qu\u0430y.io":                "the character U+0430 at position 3 is not ASCII",
		"quay\u3002io":                "the character U+3002 at position 5 is not ASCII",
		"\u212auay.io":                "the character U+212A at position 1 is not ASCII", // in lower case it is a k
		"quay.io\u200b":               "the character U+200B at position 8 is not ASCII",
		"\u0431\u0430":                "the character U+0431 at position 1 is not ASCII",
		"quay\xff.io":                 "the byte 0xff at position 5 is not ASCII",
		"qu\U0001d41ay.example":       "the character U+1D41A at position 3 is not ASCII",
		strings.Repeat("a", 99) + "é": "the character U+00E9 at position 100 is not ASCII",
	} {
		err := ascii.Host(name)
		if want == "" {
			if err != nil {
				t.Errorf("%+q: %v", name, err)
			}
			continue
		}
		if want += "; write an internationalized host name in punycode (xn--...)"; err == nil || err.Error() != want {
			t.Errorf("%+q: %v", name, err)
		}
	}
}

// FuzzCheck accepts ASCII alone, and says what is wrong in ASCII.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"quay.io", "qu\u0430y.io", "\xff", "\uFFFD", "\xe2\x84"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := ascii.Check(name)
		only := !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf })
		if (err == nil) != only || err != nil && ascii.Check(err.Error()) != nil {
			t.Errorf("%+q: %v", name, err)
		}
	})
}
