// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
)

// result is that of a login with two auth files.
func result() platform.Result {
	return platform.Result{
		Logins: []platform.Login{{
			Registry:  "quay.example:8443/acme",
			Username:  "acme+ci",
			ExpiresAt: time.Date(2026, 11, 22, 10, 30, 0, 0, time.FixedZone("CET", 3600)),
		}},
		AuthFiles: []string{"/home/runner/.docker/config.json", "/run/containers/auth file.json"},
		Holder:    "0123456789abcdef",
	}
}

// githubJob is a job whose file commands go to files of their own.
func githubJob(t *testing.T) map[string]string {
	t.Helper()
	folder := t.TempDir()
	variables := maps.Clone(jobs["github"])
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"} {
		variables[name] = filepath.Join(folder, name)
	}
	return variables
}

// read is a file's text; "" where there is none.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// commands reads a command file as the runner does: name=value, or
// name<<delimiter and lines up to the delimiter.
func commands(t *testing.T, text string) map[string]string {
	t.Helper()
	set := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		name, delimiter, heredoc := strings.Cut(lines[i], "<<")
		if !heredoc {
			name, value, ok := strings.Cut(lines[i], "=")
			if !ok {
				t.Fatalf("the runner cannot read %q", lines[i])
			}
			set[name] = value
			continue
		}
		var value []string
		for i++; i < len(lines) && lines[i] != delimiter; i++ {
			value = append(value, lines[i])
		}
		set[name] = strings.Join(value, "\n")
	}
	return set
}

func TestGitHubPublishes(t *testing.T) {
	t.Parallel()
	variables := githubJob(t)
	if err := os.WriteFile(variables["GITHUB_OUTPUT"], []byte("earlier=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	github := detect(variables, &out)
	if err := errors.Join(github.Remember(result()), github.Publish(t.Context(), result())); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"earlier": "1", "registry": "quay.example:8443/acme", "username": "acme+ci",
		"expires-at": "2026-11-22T09:30:00Z", "authfile": "/home/runner/.docker/config.json",
	}
	if got := commands(t, read(t, variables["GITHUB_OUTPUT"])); !maps.Equal(got, want) {
		t.Errorf("outputs: %v, want %v", got, want)
	}
	want = map[string]string{
		"authfile": "/home/runner/.docker/config.json\n/run/containers/auth file.json",
		"registry": "quay.example:8443/acme",
		"holder":   "0123456789abcdef",
	}
	if got := commands(t, read(t, variables["GITHUB_STATE"])); !maps.Equal(got, want) {
		t.Errorf("state: %v, want %v", got, want)
	}
	summary := "| registry | robot | logged in until |\n| --- | --- | --- |\n| `quay.example:8443/acme` | `acme+ci` | 2026-11-22 09:30 UTC |\n"
	if got := strings.TrimRight(read(t, variables["GITHUB_STEP_SUMMARY"]), "\n") + "\n"; got != summary {
		t.Errorf("summary:\n%s\nwant\n%s", got, summary)
	}
	if out.Len() != 0 {
		t.Errorf("said %q", out.String())
	}
}

func TestGitHubPublishesATokenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	variables := githubJob(t)
	r := result()
	r.Logins[0].Token = idtoken.NewSecret("hunter2")
	var out bytes.Buffer
	if err := detect(variables, &out).Publish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := commands(t, read(t, variables["GITHUB_OUTPUT"]))["token"]; got != "hunter2" {
		t.Errorf("the token is %q", got)
	}
	if info, err := os.Stat(variables["GITHUB_OUTPUT"]); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v", info.Mode(), err)
	}
	for _, elsewhere := range []string{read(t, variables["GITHUB_STATE"]), read(t, variables["GITHUB_STEP_SUMMARY"]), out.String()} {
		if strings.Contains(elsewhere, "hunter2") {
			t.Errorf("the token is in %q too", elsewhere)
		}
	}
}

func TestGitHubWithoutFileCommands(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"} {
		variables := githubJob(t)
		path := variables[missing]
		delete(variables, missing)
		github := detect(variables, &bytes.Buffer{})
		if err := errors.Join(github.Remember(result()), github.Publish(t.Context(), result())); err != nil {
			t.Errorf("without %s: %v", missing, err)
		}
		if got := read(t, path); got != "" {
			t.Errorf("without %s: wrote %q", missing, got)
		}
		for name, path := range variables {
			if name != "GITHUB_ACTIONS" && read(t, path) == "" {
				t.Errorf("without %s: nothing in %s", missing, name)
			}
		}
	}
}

// A login is worth no less without its summary; without the rest it is.
func TestGitHubFileThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"} {
		variables := githubJob(t)
		variables[broken] = filepath.Join(t.TempDir(), "no", "folder")
		var out bytes.Buffer
		github := detect(variables, &out)
		err := errors.Join(github.Remember(result()), github.Publish(t.Context(), result()))
		said := out.String()
		if broken != "GITHUB_STEP_SUMMARY" {
			said = fmt.Sprint(err)
		} else if err != nil || !strings.HasPrefix(said, "::warning") {
			t.Errorf("%s: %v, said %q", broken, err, said)
		}
		if !strings.Contains(said, broken) {
			t.Errorf("%s: %v, said %q", broken, err, said)
		}
		for name, path := range variables {
			if name == "GITHUB_ACTIONS" || name == broken {
				continue
			}
			untold := broken == "GITHUB_OUTPUT" && name == "GITHUB_STEP_SUMMARY" // the login is taken back
			if got := read(t, path); (got == "") != untold {
				t.Errorf("%s is broken, and %s has %q", broken, name, got)
			}
		}
	}
}

// The library ends every value with one constant line, so that a value of two
// lines could set an output of its own.
func TestGitHubRefusesLineBreaks(t *testing.T) {
	t.Parallel()
	const evil = "x\n_GitHubActionsFileCommandDelimeter_\nhunter2=evil"
	for name, spoil := range map[string]func(*platform.Result){
		"registry":         func(r *platform.Result) { r.Logins[0].Registry = evil },
		"username":         func(r *platform.Result) { r.Logins[0].Username = evil },
		"carriage return":  func(r *platform.Result) { r.Logins[0].Username = "x\rhunter2" },
		"auth file":        func(r *platform.Result) { r.AuthFiles[0] = evil },
		"second auth file": func(r *platform.Result) { r.AuthFiles[1] = evil },
		"token":            func(r *platform.Result) { r.Logins[0].Token = idtoken.NewSecret(evil) },
	} {
		variables := githubJob(t)
		r := result()
		spoil(&r)
		github := detect(variables, &bytes.Buffer{})
		err := github.Remember(r) // which comes first, and ends a login that fails
		if err == nil {
			err = github.Publish(t.Context(), r)
		}
		if err == nil || !strings.Contains(err.Error(), "line break") || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%s: %v", name, err)
		} else if name == "token" && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the token: %v", err)
		}
		for variable, path := range variables {
			if variable != "GITHUB_ACTIONS" && variable != "GITHUB_STATE" && read(t, path) != "" {
				t.Errorf("%s: %s has %q", name, variable, read(t, path))
			}
		}
	}
}

func TestSummaryCells(t *testing.T) {
	t.Parallel()
	variables := githubJob(t)
	r := result()
	r.Logins[0].Registry = "a | b `c` <img src=x>"
	r.Logins[0].Username = "\x1b[2J\u202e**x**"
	if err := detect(variables, &bytes.Buffer{}).Publish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(read(t, variables["GITHUB_STEP_SUMMARY"]), "\n")
	const want = "| <code>a &#124; b &#96;c&#96; &#60;img src&#61;x&#62;</code> | `\ufffd[2J\ufffd**x**` | 2026-11-22 09:30 UTC |"
	if lines[2] != want {
		t.Errorf("got  %s\nwant %s", lines[2], want)
	}
}

func TestOthersPublishNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gitlab", "terminal"} {
		variables := githubJob(t)
		delete(variables, "GITHUB_ACTIONS")
		maps.Copy(variables, jobs[name])
		var out bytes.Buffer
		if err := detect(variables, &out).Publish(t.Context(), result()); err != nil || out.Len() != 0 {
			t.Errorf("%s said %q, %v", name, out.String(), err)
		}
		if got := read(t, variables["GITHUB_OUTPUT"]); got != "" {
			t.Errorf("%s wrote %q", name, got)
		}
	}
}

func TestOutputsWithoutAnAuthFile(t *testing.T) {
	t.Parallel()
	variables := githubJob(t)
	r := result()
	r.AuthFiles = nil
	if err := detect(variables, &bytes.Buffer{}).Publish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got, ok := commands(t, read(t, variables["GITHUB_OUTPUT"]))["authfile"]; got != "" || !ok {
		t.Errorf("the auth file is %q, %v", got, ok)
	}
}
