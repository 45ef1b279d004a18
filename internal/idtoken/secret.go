// SPDX-License-Identifier: Apache-2.0

package idtoken

import "fmt"

const redacted = "[secret]"

// Secret is a credential: an ID token, a robot token, a request token. It redacts itself
// in every format verb and encoder; only [Secret.Reveal] returns its text. The zero
// Secret is empty.
//
// The text is behind a pointer because fmt reads plain strings in unexported fields of
// other structs without calling their methods.
type Secret struct {
	text *string
}

// NewSecret wraps text.
func NewSecret(text string) Secret {
	return Secret{text: &text}
}

// Reveal returns the text. Call it only where the text leaves: an Authorization header,
// an auth file, a mask, the requested output.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no text.
func (s Secret) Empty() bool {
	return s.Reveal() == ""
}

// String returns the redacted form.
func (s Secret) String() string { return redacted }

// Format writes the redacted form for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText encodes the redacted form, for JSON, XML, YAML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
