// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"sync"

	"quay-keyless/internal/idtoken"
)

// Secrets are the credentials of this run. They are found in other people's words in
// each form that the echo of a request can have: as they are, URL-encoded, in
// hexadecimal, and in base64 at any offset, once or twice, whole or cut off at the end. They may be
// used by several goroutines.
type Secrets struct {
	mu    sync.RWMutex
	forms map[form]bool
}

// form is one that a secret may have in a text, in the letters of an alphabet. The
// search starts with the letter skip.
type form struct {
	text     string
	alphabet int
	skip     int
}

// alphabets are the ways to read a text's letters.
var alphabets = []func(rune) rune{
	plainly: func(r rune) rune { return r },
	inHex: func(r rune) rune {
		if r >= 'A' && r <= 'F' {
			return r + 'a' - 'A'
		}
		return r
	},
	inBase64: func(r rune) rune { // the URL alphabet's too
		switch r {
		case '-':
			return '+'
		case '_':
			return '/'
		}
		return r
	},
}

const (
	plainly = iota
	inHex
	inBase64
)

// A shorter secret is not looked for: it is a part of ordinary words. Of a longer
// one, a beginning of this length is enough.
const (
	shortest  = 8
	beginning = 16
)

// Add keeps a secret out of all words from now on.
func (s *Secrets) Add(secret idtoken.Secret) {
	text := strings.TrimSpace(secret.Reveal())
	if s == nil || len(text) < shortest {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forms == nil {
		s.forms = map[form]bool{}
	}
	for _, text := range []string{text, url.QueryEscape(text)} { // the latter as in OAuth's HTTP basic
		s.look(string(bytesOf(unfilled(lettersOf(text)))), plainly)
		for _, login := range append(inLogins(text), text) {
			s.look(hex.EncodeToString([]byte(login)), inHex)
			for _, encoded := range inLogins(login) {
				s.look(encoded, inBase64)
			}
		}
	}
}

// eaten is how many letters of a secret a percent sign in front of it may change: two in
// each layer of URL encoding.
const eaten = 2 * mostEncoded

// look adds a form, and the same one without the letters that may be eaten.
func (s *Secrets) look(text string, alphabet int) {
	s.forms[form{text: text, alphabet: alphabet}] = true
	if len(text) >= eaten+shortest {
		s.forms[form{text: text, alphabet: alphabet, skip: eaten}] = true
	}
}

// inLogins is what all base64 of something with the text in it has in common, at each
// of the three offsets: the letters that hold nothing else.
func inLogins(text string) []string {
	var forms []string
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), text...))
		first, end := (8*before+5)/6, 8*(before+len(text))/6
		forms = append(forms, encoded[first:end])
	}
	return forms
}

// mostEncoded is how often a text may be URL-encoded. A server could send %252525…,
// which has a million layers.
const mostEncoded = 4

// Redact removes the secrets from a text, and what looks like one.
func (s *Secrets) Redact(text string) string {
	letters := unfilled(lettersOf(text))
	found := s.find(letters)
	for range mostEncoded {
		decoded := unfilled(unescaped(letters))
		if len(decoded) == len(letters) {
			break
		}
		letters = decoded
		found = append(found, s.find(letters)...)
	}
	return withoutForms(withoutSpans(text, found))
}

// span is a part of a text.
type span struct{ from, to int32 }

// find looks for the secrets in each alphabet.
func (s *Secrets) find(letters []letter) []span {
	if s == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.forms) == 0 {
		return nil
	}
	read := make([][]byte, len(alphabets))
	for i, alphabet := range alphabets {
		read[i] = bytesOf(letters)
		for at, c := range read[i] {
			if c < 0x80 {
				read[i][at] = byte(alphabet(rune(c)))
			}
		}
	}
	var found []span
	for f := range s.forms {
		for at := 0; ; {
			from, to := f.next(read[f.alphabet], at)
			if to == 0 {
				break
			}
			at = to
			found = append(found, f.around(letters, from, to))
		}
	}
	return found
}

// next is the next place where the form, or a long beginning of it, stands.
func (f form) next(text []byte, at int) (from, to int) {
	rest := f.text[f.skip:]
	start := rest[:min(len(rest), beginning)]
	from = bytes.Index(text[at:], []byte(start))
	if from < 0 {
		return 0, 0
	}
	from += at
	for to = from + len(start); to < len(text) && to-from < len(rest) && text[to] == rest[to-from]; {
		to++
	}
	for skip := f.skip; skip > 0 && from > at && text[from-1] == f.text[skip-1]; skip-- {
		from--
	}
	return from, to
}

// around is the part of the text with these letters. In base64 the letters beside them
// hold a part of the secret too.
func (f form) around(letters []letter, from, to int) span {
	beside := func(left, right int) bool {
		return f.alphabet == inBase64 && left >= 0 && right < len(letters) && letters[left].to == letters[right].from
	}
	if beside(from-1, from) {
		from--
	}
	if beside(to-1, to) {
		to++
	}
	return span{letters[from].from, letters[to-1].to}
}

// withoutSpans puts a mark in the place of each span.
func withoutSpans(text string, spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var left strings.Builder
	at := int32(0)
	for _, s := range spans {
		if s.from >= at {
			left.WriteString(text[at:s.from] + idtoken.Secret{}.String())
		}
		at = max(at, s.to)
	}
	return left.String() + text[at:]
}

// letter is a byte as it was read, and the part of the text that it was read from.
type letter struct {
	byte     byte
	from, to int32 // no text is longer than a body, 1 MiB
}

func lettersOf(text string) []letter {
	letters := make([]letter, len(text))
	for i := range len(text) {
		letters[i] = letter{text[i], int32(i), int32(i + 1)} //nolint:gosec // short
	}
	return letters
}

func bytesOf(letters []letter) []byte {
	text := make([]byte, len(letters))
	for i, l := range letters {
		text[i] = l.byte
	}
	return text
}

// unfilled leaves out what may be put between the letters of a secret: line breaks,
// and what JSON or a shell needs for quoting.
func unfilled(letters []letter) []letter {
	return slices.DeleteFunc(letters, func(l letter) bool { return strings.IndexByte(" \t\r\n\\\"'", l.byte) >= 0 })
}

// unescaped decodes what is URL-encoded, once.
func unescaped(letters []letter) []letter {
	decoded := make([]letter, 0, len(letters))
	for i := 0; i < len(letters); i++ {
		l := letters[i]
		if l.byte == '%' && i+2 < len(letters) {
			if c, err := hex.DecodeString(string([]byte{letters[i+1].byte, letters[i+2].byte})); err == nil {
				l = letter{c[0], l.from, letters[i+2].to}
				i += 2
			}
		}
		decoded = append(decoded, l)
	}
	return decoded
}
