// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A reason looks the same on every platform: what is wrong in two lines, then what to do,
// in 80 columns but for what is copied.
func TestRendered(t *testing.T) {
	t.Parallel()
	for name, variables := range map[string]map[string]string{
		"terminal": {}, "github": {"GITHUB_ACTIONS": "true"}, "gitlab": {"GITLAB_CI": "true"}, "tekton": {"TEKTON_RESULT_REGISTRY": "/x"},
	} {
		for _, code := range Codes() {
			summary := filepath.Join(t.TempDir(), "summary.md")
			if name == "github" {
				variables = map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary}
			}
			text := rendered(t, code, variables)
			checkForm(t, name+", "+code, text, code)
		}
	}
}

// head is the first line of an error on any platform.
var head = regexp.MustCompile(`(?m)^(?:::error title=quay-keyless::|error: )(.*?)(?:%0A.*)?$`)

func checkForm(t *testing.T, name, text, code string) {
	t.Helper()
	found := head.FindAllStringSubmatch(text, -1)
	if len(found) != 1 || !strings.HasSuffix(found[0][1], " ["+code+"]") || utf8.RuneCountInString("error: "+found[0][1]) > widest {
		t.Errorf("%s: the first line is not one of at most %d columns with its code:\n%s", name, widest, text)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		said := i > 0 && strings.HasPrefix(lines[i-1], "error: ")
		if utf8.RuneCountInString(line) > 80 && !head.MatchString(line) && !said && !copied.MatchString(line) {
			t.Errorf("%s: a line of %d columns: %s", name, utf8.RuneCountInString(line), line)
		}
	}
	if steps := 0; true {
		m := Message(sampleRun(code), samples()[code])
		for _, step := range m.Steps {
			steps++
			if step.Command != "" {
				checkCommand(t, name, text, step.Command)
			}
		}
		for _, command := range m.More {
			checkCommand(t, name, text, command)
		}
	}
}

// copied is a value or a command that is longer than a line.
var copied = regexp.MustCompile(`^ {4,}\S+(  | |$)`)

// checkCommand pastes a command as it stands in the text into a shell.
func checkCommand(t *testing.T, name, text, command string) {
	t.Helper()
	want, ok := shellWords(command)
	if !ok {
		t.Errorf("%s: a shell would do more with %s", name, command)
		return
	}
	pasted := strings.ReplaceAll(strings.ReplaceAll(text, "  More: ", "        "), " \\\n", " ")
	for line := range strings.Lines(pasted) {
		if got, ok := shellWords(strings.TrimSpace(line)); ok && slices.Equal(got, want) {
			return
		}
	}
	t.Errorf("%s: %q cannot be pasted from\n%s", name, want, text)
}
