// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// assignment goes before a command.
var assignment = regexp.MustCompile(`^[A-Za-z_]\w*=`)

// shellCommands takes a line of shell apart as far as pages need it: the words of
// each command, quotes taken away, without variables set before it.
func shellCommands(line string) [][]string {
	var list [][]string
	var words []string
	end := func() {
		if i := slices.Index(words, ">"); i >= 0 { // into a file
			words = words[:i]
		}
		for len(words) > 0 && (assignment.MatchString(words[0]) || words[0] == "eval" || words[0] == "exec") {
			words = words[1:]
		}
		if len(words) > 0 {
			list = append(list, words)
		}
		words = nil
	}
	for _, word := range shellWords(line) {
		switch {
		case slices.Contains([]string{"|", "&&", "||", ";"}, word):
			end()
		case strings.HasPrefix(word, "#"):
			end()
			return list
		default:
			words = append(words, word)
		}
	}
	end()
	return list
}

// shellWords splits at blanks outside of quotes.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	begun := false
	for _, c := range line + " " {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun = c, true
		case quote == 0 && c == ' ':
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	return words
}

func TestShellCommands(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`a b 'c d' "e|f" # g`:       "a b c d e|f",
		`A=1 B="2 3" a b && c; d|e`: "a b / c; d|e",
		`a | b`:                     "a / b",
		`# a`:                       "",
	} {
		var got []string
		for _, words := range shellCommands(line) {
			got = append(got, strings.Join(words, " "))
		}
		if strings.Join(got, " / ") != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}
