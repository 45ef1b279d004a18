// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"quay-keyless/internal/errno"
)

// apiCredential is a pod's credential for the Kubernetes API. It must never leave the
// pod.
const apiCredential = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// maxInput is far longer than what Quay's front accepts.
const maxInput = 1 << 20

// File is a token in a file. Held reads it again near its expiry, because kubelets
// replace it, and not before, because it may be a pipe.
type File struct {
	explicit
	renewer
	Env  Env
	Path string
}

// Name is the file's path.
func (f File) Name() string { return "the file " + f.Path }

// IDToken reads the file.
func (f File) IDToken(context.Context, string) (Token, error) {
	text, err := f.Env.ReadFile(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Token{}, &Error{Problem: NoFile, Source: f.Name()}
	case err != nil:
		return Token{}, &Error{Problem: Unreadable, Source: f.Name(), Err: errno.WithoutPath(err)}
	}
	return f.Env.given(f.Name(), string(text))
}

// Variable is a token in a variable of the environment.
type Variable struct {
	explicit
	Env      Env
	Variable string
}

// Name is the variable's name.
func (v Variable) Name() string { return "the variable " + v.Variable }

// IDToken reads the variable.
func (v Variable) IDToken(context.Context, string) (Token, error) {
	text := v.Env.Getenv(v.Variable)
	if text == "" {
		return Token{}, &Error{Problem: NoVariable, Source: v.Name()}
	}
	return v.Env.given(v.Name(), text)
}

// Stdin is a token on standard input, which can be read once.
type Stdin struct {
	explicit
	Env Env
}

// Name says standard input.
func (Stdin) Name() string { return "standard input" }

// IDToken reads standard input to its end, at most 1 MiB.
func (s Stdin) IDToken(context.Context, string) (Token, error) {
	text, err := io.ReadAll(io.LimitReader(s.Env.Stdin, maxInput))
	if err != nil {
		return Token{}, &Error{Problem: Unreadable, Source: s.Name(), Err: err}
	}
	return s.Env.given(s.Name(), string(text))
}
