// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Shell quotes a word for a shell, if it needs that. A = at its beginning names a
// program in zsh.
func Shell(text string) string {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-:@%+=,", r))
	}
	if text != "" && text[0] != '=' && !strings.ContainsFunc(text, odd) {
		return text
	}
	return Quote(text)
}

// Operand quotes a path or an address for a shell, so that programs do not read it as a
// flag.
func Operand(text string) string {
	if strings.HasPrefix(text, "-") {
		text = "./" + text
	}
	return Shell(text)
}

var (
	// plainYAML is what every release of YAML reads as this text, unquoted: it begins
	// as a name or an IP address does. A command may have blanks.
	plainYAML = Pattern(`^([A-Za-z]|\d+\.\d+\.\d)[A-Za-z0-9+./_@=-]*(:[A-Za-z0-9+./_@=-]+)*( [A-Za-z0-9+./_@=-]+(:[A-Za-z0-9+./_@=-]+)*)*$`)
	// otherYAML is what some release of it reads as something else.
	otherYAML = []string{"y", "yes", "n", "no", "true", "false", "on", "off", "null"}
)

// YAMLText writes a text as YAML, in one line that no CI reads as a command: a name from
// an ID token may hold anything.
func YAMLText(text string) string {
	switch {
	case plainYAML().MatchString(text) && !slices.Contains(otherYAML, strings.ToLower(text)):
		return text
	case Invisible(text) != "" || Unmarked(text, "") != text:
		return string(harmlessJSON([]byte(strconv.Quote(text)))) // YAML has all of Go's escapes
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// WorkflowText is a text for the YAML of a GitHub workflow, where ${{ would begin an
// expression.
func WorkflowText(text string) string {
	return YAMLText(strings.ReplaceAll(text, "${{", "${{ '${{' }}"))
}

// Pattern compiles a regular expression on first use: a dozen at the start cost every
// command half a millisecond.
func Pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
