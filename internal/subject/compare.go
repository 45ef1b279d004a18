// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"fmt"
	"strings"
	"unicode"

	"quay-keyless/internal/platform"
)

// Difference says how a stored text differs from this job's; "" if it does not.
func Difference(stored, shown string) string {
	switch {
	case stored == shown:
		return ""
	case strings.TrimSuffix(stored, "/") == shown:
		return "the stored one ends with a slash, this job's does not"
	case stored == strings.TrimSuffix(shown, "/"):
		return "this job's ends with a slash, the stored one does not"
	case withoutInvisible(stored) == withoutInvisible(shown):
		return unseen(stored, shown)
	case strings.EqualFold(stored, shown):
		return fmt.Sprintf("upper and lower case, from character %d on", 1+common(stored, shown))
	case strings.HasSuffix(stored, "*"):
		return "the stored one has a *, and Quay knows no wildcards"
	}
	return fmt.Sprintf("from character %d on", 1+common(stored, shown))
}

// unseen names the invisible characters of both texts.
func unseen(stored, shown string) string {
	var list []string
	if characters := platform.Invisible(stored); characters != "" {
		list = append(list, "the stored one has characters that cannot be seen: "+characters)
	}
	if characters := platform.Invisible(shown); characters != "" {
		list = append(list, "this job's has characters that cannot be seen: "+characters)
	}
	return strings.Join(list, "; ")
}

func withoutInvisible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.Trim(text, " "))
}

// Beside prints a stored text above this job's, with a mark under the first character
// that differs.
func Beside(what, stored, shown string) []string {
	if stored == shown {
		return nil
	}
	a, b := Unhidden(stored), Unhidden(shown)
	label := len("subject here    ")
	return []string{
		fmt.Sprintf("%-*s%s", label, what+" stored", a),
		fmt.Sprintf("%-*s%s", label, what+" here", b),
		strings.Repeat(" ", label+common(a, b)) + "^",
	}
}

// Unhidden shows invisible characters by number.
func Unhidden(text string) string {
	inside := strings.TrimRight(text, " ")
	var shown strings.Builder
	for _, r := range inside {
		if unicode.IsPrint(r) {
			shown.WriteRune(r)
		} else {
			fmt.Fprintf(&shown, "<%U>", r)
		}
	}
	return shown.String() + strings.Repeat("<space>", len(text)-len(inside))
}

// common is the length of the common beginning, in characters.
func common(a, b string) int {
	left, right := []rune(a), []rune(b)
	n := 0
	for n < min(len(left), len(right)) && left[n] == right[n] {
		n++
	}
	return n
}

// maxCompared limits comparing character by character. It is far longer than any issuer
// or subject that Quay's front accepts.
const maxCompared = 8 << 10

// Distance is how many characters differ (Levenshtein).
func Distance(a, b string) int {
	left, right := []rune(a), []rune(b)
	left, right = left[:min(len(left), maxCompared)], right[:min(len(right), maxCompared)]
	row := make([]int, len(right)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range left {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range right {
			change := diagonal
			if r != s {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(right)]
}
