// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"
	"unicode/utf8"
)

// wrong says what a job's output did to its host, "" for nothing.
func (j job) wrong(t *testing.T, host string) string {
	t.Helper()
	all := j.stdout + j.stderr
	if !utf8.ValidString(all) {
		return "it is not UTF-8"
	}
	if host == "gitlab" {
		all = ownSection.ReplaceAllString(all, "")
	}
	if i := strings.IndexFunc(all, disturbs); i >= 0 {
		return fmt.Sprintf("a terminal would obey %q", all[i:])
	}
	if j.code != 0 && j.code != 1 && j.code != 2 && j.code != 3 && j.code != 4 && j.code != 5 {
		return fmt.Sprintf("exit code %d", j.code)
	}
	for _, secret := range []string{worldClient, worldRequest, "API-TOKEN-OF-THE-WORLD"} {
		if strings.Contains(strings.ReplaceAll(all, "::add-mask::"+secret+"\n", ""), secret) {
			return "it shows " + secret
		}
	}
	checks := []string{j.wrongLines(host), j.wrongFiles(), wrongSummary(j.files["GITHUB_STEP_SUMMARY"]), j.wrongJSON(), j.wrongPastes(t, decoded(all)+j.files["GITHUB_STEP_SUMMARY"])}
	return strings.Join(slices.DeleteFunc(checks, func(text string) bool { return text == "" }), "; ")
}

// disturbs is what moves a terminal's cursor, colours, hides or reorders.
func disturbs(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
}

var (
	ownSection   = regexp.MustCompile(`(?m)^section_(?:start|end):\d+:quay_keyless\r\x1b\[0K`)
	ownCommand   = regexp.MustCompile(`^::(?:add-mask::.|(?:error|warning) title=quay-keyless::)`)
	otherCommand = regexp.MustCompile(`^\s*::`)
	old          = regexp.MustCompile(`##[A-Za-z]*\[`) // anywhere in a line
)

// wrongLines looks for lines that a host takes for a command: GitHub's runner in
// both of its forms, and GitLab's sections, which need a control character.
func (j job) wrongLines(host string) string {
	errors := 0
	for line := range strings.SplitSeq(j.stdout+j.stderr, "\n") {
		if strings.HasPrefix(line, "error: ") || strings.HasPrefix(line, "::error ") || strings.HasPrefix(line, `{"error":`) {
			errors++
		}
		if host == "github" && (ownCommand.MatchString(line) || decoded(line) == "::add-mask::"+strings.TrimSpace(j.payload)) {
			continue
		}
		if otherCommand.MatchString(line) || old.MatchString(line) && !strings.HasPrefix(line, "export ") { // which is for eval
			return fmt.Sprintf("the line %q is a command", line)
		}
	}
	if errors != min(j.code, 1) {
		return fmt.Sprintf("%d errors with exit code %d", errors, j.code)
	}
	return ""
}

// decoded is what an annotation shows.
func decoded(text string) string {
	return strings.NewReplacer("%0A", "\n", "%0D", "\r", "%25", "%").Replace(text)
}

// fileNames are what each file command may set.
var fileNames = map[string][]string{
	"GITHUB_OUTPUT": {"registry", "username", "expires-at", "authfile"},
	"GITHUB_STATE":  {"registry", "authfile", "holder"},
	"GITHUB_ENV":    {"DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG"},
}

// wrongFiles reads the file commands as the runner does (FileCommandManager.cs), and
// Tekton's results.
func (j job) wrongFiles() string {
	for file, text := range j.files {
		if strings.HasPrefix(file, "TEKTON") && strings.ContainsAny(text, "\r\n") {
			return fmt.Sprintf("%s has lines: %q", file, text)
		}
		names, ok := fileNames[file]
		if !ok {
			continue
		}
		end := ""
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			name, delimiter, begins := strings.Cut(line, "<<")
			switch {
			case line == end:
				end = ""
			case end != "" || text == "":
			case !begins || !slices.Contains(names, name):
				return fmt.Sprintf("%s sets %q", file, line)
			default:
				end = delimiter
			}
		}
	}
	return ""
}

var (
	spans        = regexp.MustCompile("`[^`\n]+`|<code>[^<>\n]*</code>")
	summaryFence = regexp.MustCompile("^`{3,}")
)

// wrongSummary looks for foreign words outside of code, where Markdown and HTML count.
// A block ends with a line of at least as many backticks (CommonMark, section 4.5).
func wrongSummary(text string) string {
	end := ""
	for line := range strings.SplitSeq(text, "\n") {
		switch ticks := summaryFence.FindString(line); {
		case end != "" && len(line) >= len(end) && strings.Trim(line, "`") == "":
			end = ""
		case end != "":
		case ticks != "":
			end = ticks
		default:
			if rest := spans.ReplaceAllString(line, ""); strings.Contains(rest, "PWN") || strings.ContainsAny(rest, "<`[]") || strings.HasPrefix(rest, ">") {
				return fmt.Sprintf("the summary has %q", line)
			}
		}
	}
	if end != "" {
		return "a block of the summary does not end"
	}
	return ""
}

// wrongJSON wants a result in JSON to be one object, or list, to the end.
func (j job) wrongJSON() string {
	if text := strings.TrimSpace(j.stdout); (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[\n")) && !json.Valid([]byte(text)) {
		return "the result is no JSON"
	}
	return ""
}

// pasted is how the commands of hints begin.
var pasted = regexp.MustCompile(`quay-keyless (?:federation|setup|doctor|login|logout) |curl -s |rm |echo \{\} > |podman logout |docker logout |export `)

// pastable are the commands with foreign words in them, each to the end of its line.
func pastable(text string) []string {
	var list []string
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.Contains(line, "PWN") {
			continue
		}
		if begins := pasted.FindStringIndex(line); begins != nil && strings.Contains(line[begins[0]:], "PWN") {
			list = append(list, line[begins[0]:])
		}
	}
	return list
}

// pastes counts them.
var pastes atomic.Int64

// wrongPastes gives each command to a shell that has no programs: whatever it does
// beside looking for one would leave a file.
func (j job) wrongPastes(t *testing.T, all string) string {
	t.Helper()
	lines := pastable(all)
	pastes.Add(int64(len(lines)))
	if len(lines) == 0 {
		return ""
	}
	empty := t.TempDir()
	for _, line := range slices.Compact(lines) {
		shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
		shell.Dir, shell.Env = empty, []string{"PATH=/nonexistent"}
		if output, _ := shell.CombinedOutput(); strings.Contains(string(output), "yntax error") || strings.Contains(string(output), "nterminated") {
			return fmt.Sprintf("a shell does not understand %q: %s", line, output)
		}
		if files, err := filepath.Glob(filepath.Join(empty, "*")); err != nil || len(files) > 0 {
			_ = os.RemoveAll(empty)
			return fmt.Sprintf("a shell that runs %q makes %q", line, files)
		}
	}
	return ""
}
