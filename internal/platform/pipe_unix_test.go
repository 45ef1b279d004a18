// SPDX-License-Identifier: Apache-2.0

//go:build unix

package platform_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// endsInWait is a context that ends when somebody begins to wait for its end.
type endsInWait struct {
	context.Context
	end context.CancelCauseFunc
}

func (e endsInWait) Done() <-chan struct{} {
	e.end(errors.New("the time is over"))
	return e.Context.Done()
}

// A result that is a pipe is written when a process reads it, and a wait for one that
// never does ends with the login's time.
func TestResultIsAPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	tekton := detect(map[string]string{"TEKTON_RESULT_REGISTRY": path}, &bytes.Buffer{})
	ctx, end := context.WithCancelCause(t.Context())
	if err := tekton.Publish(endsInWait{ctx, end}, result()); err == nil || err.Error() != "tekton result registry: the time is over" {
		t.Errorf("without a reader: %v", err)
	}
	read := make(chan string, 1)
	go func() {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		read <- string(text)
	}()
	if err := tekton.Publish(t.Context(), result()); err != nil {
		t.Error(err)
	}
	if got := <-read; got == "" || strings.ContainsAny(got, "\n") {
		t.Errorf("the reader got %q", got)
	}
	github := detect(map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STATE": path}, &bytes.Buffer{})
	if err := github.Remember(result()); err == nil || !strings.Contains(err.Error(), "a pipe that no process reads") {
		t.Errorf("GitHub's file: %v", err)
	}
}
