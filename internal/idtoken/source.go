// SPDX-License-Identifier: Apache-2.0

// Package idtoken finds the ID token that a CI platform or an OIDC provider
// signs for this job, and reads what it says.
package idtoken

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"quay-keyless/internal/endpoint"
)

// Env is what sources may read and contact.
type Env struct {
	Getenv   func(string) string
	Stdin    io.Reader
	ReadFile func(path string) ([]byte, error)
	Endpoint *endpoint.Client // for the platforms' own servers, always verified
	// Direct is Endpoint without a proxy, for servers on this machine's own link.
	Direct *endpoint.Client
	// Say tells the user what to do now, for a login by browser.
	Say func(string)
	// Ask asks the user for a secret, without echo.
	Ask func(ctx context.Context, question string) (Secret, error)
	// Browse opens an address in the user's browser, if there is one.
	Browse func(ctx context.Context, address string)
	// Hide removes a secret from all words; may be nil.
	Hide func(Secret)
}

// Hidden returns the secret after hiding it.
func (e Env) Hidden(secret Secret) Secret {
	if e.Hide != nil {
		e.Hide(secret)
	}
	return secret
}

// Source is a place an ID token comes from.
type Source interface {
	// Name is what users and messages call it.
	Name() string
	// Present reports whether this job has the source, broken or not.
	Present() bool
	// IDToken returns a token for the audience, or an [*Error] that says what is
	// missing. A source whose token was made before this program ran cannot choose the
	// audience. A token returned with an error must be masked and not used.
	IDToken(ctx context.Context, audience string) (Token, error)
}

// Renewable is a source that can give a fresh token during the job.
type Renewable interface {
	Source
	// Spent reports whether a token that said claims should be replaced by a
	// fresh one before it is used again.
	Spent(claims Claims, now time.Time) bool
}

// renewer makes a source [Renewable] whose tokens are good until they expire.
type renewer struct{}

// Spent reports a token with less than 30 s left, the time that a slow exchange may
// take until Quay looks at the expiry.
func (renewer) Spent(claims Claims, now time.Time) bool {
	return !claims.Expiry.IsZero() && !now.Add(30*time.Second).Before(claims.Expiry)
}

// chooser is a renewer that makes a token for the audience that it is asked for.
type chooser struct{ renewer }

func (chooser) choosesAudience() {}

// chosen is part of a source that the user must choose: it answers on machines where users
// do not expect it, or needs flags.
type chosen struct{}

// Present is false.
func (chosen) Present() bool { return false }

// explicit is part of a source that the user named.
type explicit struct{}

// Present is true.
func (explicit) Present() bool { return true }

// ChoosesAudience reports whether a source makes a token for the audience that
// it is asked for; others have one that was made before.
func ChoosesAudience(source Source) bool {
	_, ok := source.(interface{ choosesAudience() })
	return ok
}

// Ambient is the order in which auto looks for a source. It uses the first one present,
// even if that is broken. GitHub is first because its self-hosted runners run in
// clusters; a cluster's projected token is last because CI platforms run jobs in pods.
func Ambient(env Env) []Source {
	return []Source{
		GitHub{Env: env},
		GitLab{env},
		AzurePipelines{Env: env},
		Buildkite{Env: env},
		CircleCI{env},
		Kubernetes{env},
	}
}

// Named are the sources that the user must choose.
func Named(env Env) []Source {
	return []Source{
		OIDC{Env: env},
		Entra{Env: env},
		AzureIdentity{Env: env},
		Google{Env: env},
	}
}

// Choose returns the source of that name, or for "auto" the first ambient one
// present. The errors are [NoSource] and [UnknownSource].
func Choose(env Env, name string) (Source, error) {
	var names []string
	for _, source := range append(Ambient(env), Named(env)...) {
		if source.Name() == name || name == "auto" && source.Present() {
			return source, nil
		}
		names = append(names, source.Name())
	}
	if name == "auto" {
		return nil, &Error{Problem: NoSource, Platform: recognise(env)}
	}
	return nil, &Error{
		Problem: UnknownSource,
		Detail:  fmt.Sprintf("there is no ID token source %q, only auto, %s", name, strings.Join(names, ", ")),
	}
}

// jobCredentials are variables with credentials for a job's own platform. Some are JWTs.
var jobCredentials = []string{
	requestToken, "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN", "CI_JOB_TOKEN", azureAccessToken, "BUILDKITE_AGENT_ACCESS_TOKEN",
}

// given turns a text that the job got from elsewhere into a token. A pod's own credential
// for the Kubernetes API, and one for the platform, are refused however they arrive.
func (e Env) given(source, text string) (Token, error) {
	text = strings.TrimSpace(text)
	own, err := e.ReadFile(apiCredential)
	if err == nil && text != "" && text == strings.TrimSpace(string(own)) {
		return Token{}, &Error{Problem: APICredential, Source: source}
	}
	for _, name := range jobCredentials {
		if text != "" && text == strings.TrimSpace(e.Getenv(name)) {
			return Token{}, &Error{Problem: JobCredential, Source: source, Detail: "is the job's own " + name + ", so it is not sent to Quay"}
		}
	}
	return Usable(source, text)
}

// Usable turns a source's text into a token, unless it is none or must never be sent. It
// trims the text, because a trailing newline makes Quay answer 500.
func Usable(source, text string) (Token, error) {
	text = strings.TrimSpace(text)
	switch fields := strings.Fields(text); {
	case text == "":
		return Token{}, &Error{Problem: Empty, Source: source}
	case strings.ContainsAny(text, "\r\n"):
		return Token{}, &Error{Problem: SeveralLines, Source: source, Detail: fmt.Sprintf("has %d lines", len(strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' })))}
	case len(fields) > 1:
		return Token{}, &Error{Problem: SeveralLines, Source: source}
	}
	token, err := ParseToken(NewSecret(text))
	if err != nil {
		var bad *Error
		if errors.As(err, &bad) {
			bad.Source = source
		}
		return token, err
	}
	return token, harmful(source, token.Claims)
}
