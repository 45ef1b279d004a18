// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
)

// harmlessJSON is the same indented JSON without characters that a terminal obeys, that
// hide others, or that a CI reads as a command. They occur only in strings, where \u
// means the same; encoding/json escapes only those below U+0020.
func harmlessJSON(text []byte) []byte {
	var plain strings.Builder
	for _, r := range string(text) {
		switch {
		case r == '\n' || unicode.IsPrint(r) && r != unicode.ReplacementChar:
			plain.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&plain, `\u%04x\u%04x`, high, low)
		default: // U+FFFD stands for bytes that are not UTF-8 too
			fmt.Fprintf(&plain, `\u%04x`, r)
		}
	}
	return []byte(Unmarked(plain.String(), `\u005b`))
}

// WithoutSecrets makes JSON with words from elsewhere harmless.
func WithoutSecrets(text []byte, secrets *Secrets) []byte {
	return harmlessJSON([]byte(secrets.Redact(string(text))))
}

// FormatTime writes a time as servers do, so that people can compare.
func FormatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

// OrNone is the text, or (none) for an empty one.
func OrNone(text string) string {
	if text == "" {
		return "(none)"
	}
	return text
}

// Enumerated is a list in a sentence: a, b and c.
func Enumerated(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

// Invisible names the characters that people would not see: those that do not print, and
// spaces at an end.
func Invisible(texts ...string) string {
	var found []string
	for _, text := range texts {
		inside := strings.Trim(text, " ")
		if inside != text {
			found = append(found, "a space at an end")
		}
		for _, r := range inside {
			if !unicode.IsPrint(r) {
				found = append(found, fmt.Sprintf("%U", r))
			}
		}
	}
	return strings.Join(found, ", ")
}

// Minutes says how long a robot token lives.
func Minutes(d time.Duration) string {
	return fmt.Sprintf("%d minutes", int(d.Round(time.Minute).Minutes()))
}

// Indented is JSON for people too; kubectl reads it as it reads YAML.
func Indented(value any) ([]byte, error) {
	text, err := json.MarshalIndent(value, "", "  ")
	return append(harmlessJSON(text), '\n'), err
}
