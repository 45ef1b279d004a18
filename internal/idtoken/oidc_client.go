// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"strings"

	"quay-keyless/internal/errno"
)

// Flow is how to get a token from an OIDC provider.
type Flow string

// The flows: RFC 6749, sections 4.4, 4.3 and 4.1 (with RFC 7636 and RFC 8252),
// and RFC 8628.
const (
	ClientCredentials Flow = "client-credentials"
	Password          Flow = "password"
	Code              Flow = "code"
	Device            Flow = "device"
)

// Interactive reports whether a person takes part.
func (f Flow) Interactive() bool { return f == Device || f == Code }

// Kind is which of the provider's tokens to send to Quay.
type Kind string

// The kinds. Auto takes the ID token if the provider sends one, else the access token.
const (
	Auto        Kind = "auto"
	IDTokenKind Kind = "id_token"
	AccessToken Kind = "access_token"
)

// UsualScope asks for an ID token.
const UsualScope = "openid"

// Client is how to log in at an OIDC provider.
type Client struct {
	Issuer, ID string
	Flow       Flow
	// Assertion is a JWT instead of the secret (RFC 7523, section 2.2).
	Secret, Assertion, Password Place
	Username                    string
	Scope                       string // words separated by spaces
	// Audience is what the token is for, if the provider must be told.
	Audience string
	Kind     Kind
	Port     int // of the loopback redirect, 0 for any
}

// Authenticates reports whether the client has a secret or an assertion.
func (c Client) Authenticates() bool { return c.Secret.Named() || c.Assertion.Named() }

// Place is where a secret is: in a file, in a variable of the environment, or nowhere.
type Place struct{ File, Variable string }

// Named reports whether the user named a file or a variable.
func (p Place) Named() bool { return p != Place{} }

// read reads a secret, if there is a place for it.
func (e Env) read(from Place, what string) (Secret, error) {
	if !from.Named() {
		return Secret{}, nil
	}
	text, where, err := e.Getenv(from.Variable), "variable "+from.Variable, error(nil)
	if from.File != "" {
		var content []byte
		content, err = e.ReadFile(from.File)
		text, where = strings.TrimRight(string(content), "\r\n"), "file "+from.File
	}
	if err != nil || text == "" {
		return Secret{}, &Error{Problem: NoSecretThere, Missing: true, Detail: what + " is not in the " + where, Err: errno.WithoutPath(err)}
	}
	return e.hidden(text), nil
}
