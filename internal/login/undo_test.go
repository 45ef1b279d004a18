// SPDX-License-Identifier: Apache-2.0

package login

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// stopped is a clock that shows one time.
type stopped struct{ process.SystemClock }

func (stopped) Now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// A login that fails in a later step is removed from what the file holds by then; or
// the program says that it stayed, and where.
func TestUndoneTellsTheTruth(t *testing.T) {
	t.Parallel()
	const before = `{"auths":{"quay.example.com":{"auth":"b2xkOm9sZA=="}}}`
	const others = `,"other.example.com":{"auth":"cG9kOm1hbg=="}}}`
	for name, c := range map[string]struct {
		meanwhile func(now string) string
		want      string // in the file, ROBOT for our login
		said      string
	}{
		"nobody wrote": {func(now string) string { return now }, before, "removed the login again\n"},
		"another tool added a login": {
			func(now string) string { return strings.TrimSuffix(now, "}}") + others },
			strings.TrimSuffix(before, "}}") + others, "removed the login again\n",
		},
		"another tool replaced ours": {
			func(string) string { return strings.Replace(before, "b2xkOm9sZA==", "cG9kOm1hbg==", 1) },
			strings.Replace(before, "b2xkOm9sZA==", "cG9kOm1hbg==", 1),
			"warning: left quay.example.com in FILE: another login has replaced it\n",
		},
		"another tool emptied the file": {
			func(string) string { return "" }, "",
			"warning: the login may still be in FILE: auth file FILE is empty (0 bytes); podman rejects it too\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "auth.json")
			put(t, path, before)
			file, err := authfile.Open(path, ownfile.By(os.Getuid(), ""))
			if err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			none := func(string) string { return "" }
			a := &process.Run{
				Env:      process.Env{Getenv: none, UID: os.Getuid(), OS: "linux", Clock: stopped{}},
				Platform: platform.Detect(platform.Env{Getenv: none, Words: &said}),
			}
			target := request.Target{Registry: quay.Registry{Host: "quay.example.com"}, Robot: quay.Robot{Namespace: "acme", Name: "ci"}}
			l := login{
				Run:     a,
				targets: []request.Target{target},
				plan:    lookup.Plan{Files: []lookup.Target{{File: file, Names: []string{"quay.example.com"}}}},
				tokens:  []RobotToken{{Target: target, Token: idtoken.NewSecret("t"), Left: time.Hour}},
			}
			if err := l.writeFiles(t.Context()); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			put(t, path, c.meanwhile(string(text)))
			said.Reset()
			l.back.run(t.Context(), a.Platform)
			if got := strings.ReplaceAll(said.String(), path, "FILE"); got != c.said {
				t.Errorf("said %q, want %q", got, c.said)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
				t.Errorf("the file holds %q, want %q, %v", got, c.want, err)
			}
		})
	}
}

// put writes a file that has been there for a while.
func put(t *testing.T, path, text string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}
