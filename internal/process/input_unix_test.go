// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"quay-keyless/internal/process"
)

// A read of standard input ends with its context, and leaves no goroutine behind (TestMain).
func TestInputEnds(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() //nolint:errcheck // a test's
	defer writer.Close() //nolint:errcheck // a test's
	env := process.Env{Stdin: reader}
	if _, err := writer.WriteString("token"); err != nil {
		t.Fatal(err)
	}
	ended := errors.New("ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	text := make([]byte, 5)
	if _, err := io.ReadFull(env.Input(ctx), text); err != nil || string(text) != "token" {
		t.Fatalf("%q, %v", text, err)
	}
	cancel(ended)
	if _, err := env.Input(ctx).Read(text); !errors.Is(err, ended) {
		t.Errorf("%v", err)
	}
}
