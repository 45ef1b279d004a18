// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/internal/idtoken"
)

// A mask and an annotation are each written once, however often a command asks for them.
func TestSaidOnce(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STATE": state}
	var words bytes.Buffer
	p := Detect(Env{Getenv: func(name string) string { return variables[name] }, Words: &words, Results: io.Discard})
	for range 2 {
		p.Mask(idtoken.NewSecret("SAMPLE-SECRET-1"))
		p.Warn(Message{Text: "the same"})
	}
	p.Mask(idtoken.NewSecret("SAMPLE-SECRET-2"))
	for text, want := range map[string]int{"::add-mask::SAMPLE-SECRET-1\n": 1, "::add-mask::SAMPLE-SECRET-2\n": 1, "the same": 1} {
		if got := strings.Count(words.String(), text); got != want {
			t.Errorf("%q is there %d times, want %d", text, got, want)
		}
	}
}
