// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"quay-keyless/internal/host"
)

// harmlessJSON is the same indented JSON in other characters: none that a terminal
// obeys or that hides others, and nothing that a CI takes for a command. All such
// stands in strings, where \u means the same; encoding/json escapes those below U+0020
// alone.
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
	return []byte(host.Unmarked(plain.String(), `\u005b`))
}

// withoutSecrets is harmless JSON that may hold words from elsewhere.
func withoutSecrets(text []byte, secrets *host.Secrets) []byte {
	return harmlessJSON([]byte(secrets.Redact(string(text))))
}
