// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
)

var errNoTerminal = errors.New("there is no terminal to ask at")

// Ask asks for a password on the terminal of standard input, without echo.
func Ask(ctx context.Context, env Env, question string) (idtoken.Secret, error) {
	missing := func(err error) error {
		return &idtoken.Error{Problem: idtoken.NoSecretThere, Source: "oidc", Missing: true, Detail: "no password", Err: err}
	}
	file, ok := env.Stdin.(*os.File)
	if !ok {
		return idtoken.Secret{}, missing(errNoTerminal)
	}
	terminal := int(file.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return idtoken.Secret{}, missing(errNoTerminal)
	}
	defer term.Restore(terminal, before)                                //nolint:errcheck // nobody to tell
	_, _ = fmt.Fprint(env.Stderr, new(platform.Secrets).Line(question)) // names of users are in it
	defer fmt.Fprintln(env.Stderr)                                      //nolint:errcheck // nobody to tell
	line, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(terminal) })
	if errors.Is(err, io.EOF) || err == nil && len(line) == 0 {
		return idtoken.Secret{}, missing(errors.New("nothing was typed"))
	}
	return idtoken.NewSecret(string(line)), err
}

// Confirm asks a question on the terminal of standard input. Only y and yes agree.
func Confirm(ctx context.Context, env Env, question string) (bool, error) {
	file, ok := env.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return false, errNoTerminal
	}
	_, _ = fmt.Fprint(env.Stderr, new(platform.Secrets).Line(question))
	line, err := bufio.NewReader(input(ctx, file)).ReadBytes('\n')
	_, _ = fmt.Fprint(env.Stderr) // the line has ended
	answer := strings.ToLower(strings.TrimSpace(string(line)))
	return answer == "y" || answer == "yes", err
}

// await runs read until ctx ends. Nothing stops a read of a terminal without echo, so it may
// be left behind.
func await(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	got := make(chan result, 1)
	go func() {
		text, err := read()
		got <- result{text, err}
	}()
	select {
	case r := <-got:
		return r.text, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// waiting is a reader whose reads end with ctx.
type waiting struct {
	ctx context.Context //nolint:containedctx // it is one read's
	io.Reader
}

// Read leaves a read behind that ctx ended.
func (w waiting) Read(text []byte) (int, error) {
	read, err := await(w.ctx, func() ([]byte, error) {
		text := make([]byte, len(text))
		count, err := w.Reader.Read(text)
		return text[:count], err
	})
	return copy(text, read), err
}
