// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

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
	before, err := term.MakeRaw(int(file.Fd()))
	if err != nil {
		return idtoken.Secret{}, missing(errNoTerminal)
	}
	keys := &keyboard{Reader: input(ctx, file), out: env.Stderr}
	line, err := term.NewTerminal(keys, "").ReadPassword(new(platform.Secrets).Line(question)) // names of users are in it
	_ = term.Restore(int(file.Fd()), before)
	if err != nil {
		_, _ = fmt.Fprintln(env.Stderr) // the question's line has no end
	}
	switch {
	case err == nil && line != "":
		return idtoken.NewSecret(line), nil
	case keys.interrupted:
		return idtoken.Secret{}, &Interrupted{Signal: syscall.SIGINT}
	case err == nil, errors.Is(err, io.EOF):
		err = missing(errors.New("nothing was typed"))
	}
	return idtoken.Secret{}, err
}

// keyboard is a terminal whose keys send no signal.
type keyboard struct {
	io.Reader
	out         io.Writer
	interrupted bool // by Ctrl-C
}

// Write writes the question. Nothing is shown for a key, and an empty write would end the
// question for [Waiting].
func (k *keyboard) Write(text []byte) (int, error) {
	if len(text) == 0 {
		return 0, nil
	}
	return k.out.Write(text)
}

// Read reads keys.
func (k *keyboard) Read(keys []byte) (int, error) {
	const ctrlC = 3
	count, err := k.Reader.Read(keys)
	k.interrupted = k.interrupted || bytes.IndexByte(keys[:count], ctrlC) >= 0
	return count, err
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

// waiting is a reader whose reads end with ctx.
type waiting struct {
	ctx context.Context //nolint:containedctx // it is one read's
	io.Reader
}

// Read leaves a read behind that ctx ended, because nothing stops it.
func (w waiting) Read(text []byte) (int, error) {
	type result struct {
		text []byte
		err  error
	}
	got := make(chan result, 1)
	go func() {
		text := make([]byte, len(text))
		count, err := w.Reader.Read(text)
		got <- result{text[:count], err}
	}()
	select {
	case r := <-got:
		return copy(text, r.text), r.err
	case <-w.ctx.Done():
		return 0, context.Cause(w.ctx)
	}
}
