// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"quay-keyless/internal/errno"
)

const (
	// projectedToken is where our Task, StepAction and examples mount a projected service account
	// token: a serviceAccountToken volume with our audience.
	projectedToken = "/var/run/secrets/quay/token"
	// apiCredential is a pod's credential for the Kubernetes API. It must never leave the pod.
	apiCredential = "/var/run/secrets/kubernetes.io/serviceaccount/token"
	// maxInput is far longer than what Quay's front accepts.
	maxInput = 1 << 20
)

// inPod reports whether the projected token is mounted, readable or not.
func (e Env) inPod() bool {
	_, err := e.ReadFile(projectedToken)
	return !errors.Is(err, fs.ErrNotExist)
}

// kubernetes reads the projected token: Tekton's, or any pod's.
func (e Env) kubernetes(ctx context.Context, audience string) (Token, error) {
	return File(e, projectedToken).IDToken(ctx, audience)
}

// File is a token in a file. It is read again near the token's expiry, because kubelets
// replace it, and not before, because it may be a pipe.
func File(env Env, path string) Source {
	return Source{Name: "the file " + path, Renews: NearExpiry, Get: func(context.Context, string) (Token, error) {
		text, err := env.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return Token{}, missing(NoFile, "no such file")
		case err != nil:
			return Token{}, unreadable(errno.WithoutPath(err))
		}
		return env.given(string(text))
	}}
}

// Variable is a token in a variable of the environment.
func Variable(env Env, name string) Source {
	return Source{Name: "the variable " + name, Get: func(context.Context, string) (Token, error) {
		text := env.Getenv(name)
		if text == "" {
			return Token{}, missing(NoVariable, "it is not set")
		}
		return env.given(text)
	}}
}

// Stdin is a token on standard input, which can be read once, at most 1 MiB of it.
func Stdin(env Env) Source {
	return Source{Name: "standard input", Get: func(context.Context, string) (Token, error) {
		text, err := io.ReadAll(io.LimitReader(env.Stdin, maxInput))
		if err != nil {
			return Token{}, unreadable(err)
		}
		return env.given(string(text))
	}}
}

func unreadable(err error) error {
	return &Error{Problem: Unreadable, Detail: "cannot be read", Err: err}
}

// jobCredentials are variables with credentials for a job's own platform. Some are JWTs.
var jobCredentials = []string{
	requestToken, "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN", "CI_JOB_TOKEN", azureAccessToken, "BUILDKITE_AGENT_ACCESS_TOKEN",
}

// given turns a text that the job got from elsewhere into a token. A pod's own credential
// for the Kubernetes API, and one for the platform, are refused however they arrive.
func (e Env) given(text string) (Token, error) {
	text = strings.TrimSpace(text)
	own, err := e.ReadFile(apiCredential)
	if err == nil && text != "" && text == strings.TrimSpace(string(own)) {
		return Token{}, errAPICredential()
	}
	for _, name := range jobCredentials {
		if text != "" && text == strings.TrimSpace(e.Getenv(name)) {
			return Token{}, fail(JobCredential, "is the job's %s, not an ID token for Quay", name)
		}
	}
	return Usable(text)
}

// Usable turns a source's text into a token, unless it is not a JWT or must never be sent. It
// trims the text, because a trailing newline makes Quay answer 500.
func Usable(text string) (Token, error) {
	text = strings.TrimSpace(text)
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' })
	switch {
	case text == "":
		return Token{}, fail(Empty, "is empty")
	case len(lines) > 1:
		return Token{}, fail(SeveralLines, "has %d lines", len(lines))
	case len(strings.Fields(text)) > 1:
		return Token{}, fail(SeveralLines, "contains white space")
	}
	token, err := ParseToken(NewSecret(text))
	if err == nil {
		err = harmful(token.Claims)
	}
	return token, err
}
