// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/platform"
)

// FuzzWords has each platform say what others wrote. It stays one line, disturbs no
// terminal, and is no command of GitHub's runner.
func FuzzWords(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, variables := range jobs {
			var out bytes.Buffer
			h := detect(variables, &out)
			h.Notice(text)
			h.Warn(platform.Message{Text: text, Hints: []string{text}})
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			want := map[bool]int{true: 2, false: 3}[name == "github"]
			if len(lines) != want || strings.ContainsFunc(out.String(), disturbs) {
				t.Errorf("%s: %q", name, out.String())
			}
			if command, _, ok := command(lines[0]); ok && name == "github" {
				t.Errorf("%q is the command %s", lines[0], command)
			}
		}
		if line := new(platform.Secrets).Line(text); strings.ContainsFunc(line, disturbs) || strings.Contains(line, "\n") {
			t.Errorf("%q", line)
		} else if name, _, ok := command(line); ok {
			t.Errorf("%q is the command %s", line, name)
		}
	})
}

// FuzzSummary puts what others wrote into each place of a job summary. It has as many
// lines, cells and blocks as it would with any word there.
func FuzzSummary(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	summary := filepath.Join(f.TempDir(), "summary")
	f.Fuzz(func(t *testing.T, text string) {
		h := detect(map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary}, &bytes.Buffer{})
		h.Summarize(platform.Table{Title: "Title", About: []string{text}, Head: []string{"a", "b"}, Rows: [][]string{{text, text}}})
		written, err := os.ReadFile(summary)
		if err != nil || os.Remove(summary) != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.Trim(string(written), "\n"), "\n")
		last := lines[len(lines)-1]
		if len(lines) != 7 || strings.Count(last, "|") != 3 || strings.ContainsFunc(string(written), disturbs) {
			t.Errorf("%q: %q", text, lines)
		}
		inside := strings.Trim(last, "| ")
		if strings.ContainsAny(inside, "<>") && !strings.HasPrefix(inside, "`") && !strings.HasPrefix(inside, "<code>") {
			t.Errorf("%q: %q", text, last)
		}
	})
}

// FuzzQuote quotes what others wrote for a shell, which must take it for one word.
func FuzzQuote(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\x00") { // which no argument can have
			return
		}
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf %s "+platform.Quote(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q: %q, %v", text, out, err)
		}
	})
}

// FuzzJob reads the variables of a job: when it ends, and who it is.
func FuzzJob(f *testing.F) {
	f.Add("2026-11-22T08:00:00Z", "7200")
	f.Add("9999-12-31T23:59:59Z", "2147483647")
	f.Add("2026-11-22T08:00:00+99:99", "-1")
	f.Fuzz(func(t *testing.T, started, timeout string) {
		variables := map[string]string{"CI_JOB_STARTED_AT": started, "CI_JOB_TIMEOUT": timeout, "GITHUB_ACTIONS": "true", "GITHUB_STATE": started, "GITHUB_RUN_ID": timeout}
		getenv := func(name string) string { return variables[name] }
		if end, known := platform.JobEnd(getenv); known {
			if begin, err := time.Parse(time.RFC3339, started); err != nil || !end.After(begin) {
				t.Errorf("%q, %q: %v", started, timeout, end)
			}
		}
		if holder := platform.Holder(getenv); (holder == "") != (started == "") || strings.ContainsAny(holder, "\r\n") {
			t.Errorf("%q: %q", started, holder)
		}
	})
}
