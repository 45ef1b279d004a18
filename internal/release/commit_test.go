// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// checkout makes a repository with a commit of these files, and a folder with
// small files in the place of programs.
func checkout(t *testing.T, files map[string]string) (s *source, dist string) {
	t.Helper()
	folder, dist := t.TempDir(), t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(folder, name), content)
	}
	for _, arguments := range []string{"init --quiet", "add --all", "commit --quiet --message all"} {
		command := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com"}, strings.Fields(arguments)...)...)
		command.Dir = folder
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1") // nobody's hooks and keys
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", arguments, err, output)
		}
	}
	var sums strings.Builder
	for _, name := range actions {
		write(t, filepath.Join(dist, name), "the program "+name)
		sums.WriteString(checksum(digest([]byte("the program "+name)), name))
	}
	write(t, filepath.Join(dist, list), sums.String())
	s, err := open(t.Context(), folder, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return s, dist
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNamesAreReplaced(t *testing.T) {
	s, dist := checkout(t, map[string]string{
		"a file":                    "image quay.io/OWNER/app:v1, OWNER/app\r\nno end",
		"other":                     "OWNER alone",
		"binary":                    "OWNER/app\x00",
		".github/workflows/own.yml": "OWNER/app",
	})
	names := replacements{}
	for _, name := range []string{"quay.io/OWNER/app:v1=quay.io/acme/app@sha256:00", "OWNER/app=acme/app"} {
		if err := names.Set(name); err != nil {
			t.Fatal(err)
		}
	}
	id, err := s.commit(t.Context(), dist, names)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"a file": "image quay.io/acme/app@sha256:00, acme/app\r\nno end", "other": "OWNER alone", "binary": "OWNER/app\x00",
		"action/bin/quay-keyless-windows-amd64.exe": "the program quay-keyless-windows-amd64.exe",
	}
	for name, content := range want {
		got, err := s.run(t.Context(), nil, nil, "git", "cat-file", "blob", id+":"+name)
		if err != nil || string(got) != content {
			t.Errorf("%s is %q, not %q (%v)", name, got, content, err)
		}
	}
	if _, err := s.git(t.Context(), nil, "cat-file", "-e", id+":.github/workflows/own.yml"); err == nil {
		t.Error("the workflow is in the commit")
	}
}

// GitLab's project has our folder for it as its root, and the same id each time.
func TestComponent(t *testing.T) {
	s, _ := checkout(t, map[string]string{
		"LICENSE": "license", "README.md": "ours", "gitlab/README.md": "see OWNER/app", "gitlab/templates/login/template.yml": "image: quay.io/OWNER/app:v1",
	})
	var names replacements
	if err := names.Set("OWNER/app=acme/app"); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for range 2 {
		id, err := s.component(t.Context(), names)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if ids[0] != ids[1] {
		t.Errorf("two commits: %q", ids)
	}
	for arguments, want := range map[string]string{
		"ls-tree -r --name-only ": "LICENSE\nREADME.md\ntemplates/login/template.yml",
		"log --format=%P%ct ":     strconv.FormatInt(s.time.Unix(), 10), // alone: it has no parent
	} {
		if got, err := s.git(t.Context(), nil, strings.Fields(arguments+ids[0])...); err != nil || got != want {
			t.Errorf("git %s is %q, not %q (%v)", arguments, got, want, err)
		}
	}
	if got, err := s.git(t.Context(), nil, "cat-file", "blob", ids[0]+":templates/login/template.yml"); got != "image: quay.io/acme/app:v1" {
		t.Errorf("the template is %q (%v)", got, err)
	}
}

func TestNoCommit(t *testing.T) {
	name := "quay-keyless-linux-arm64"
	tests := map[string]struct {
		change  func(t *testing.T, dist string)
		replace string
		words   string
	}{
		"program changed": {change: func(t *testing.T, dist string) { write(t, filepath.Join(dist, name), "other") }, words: name + " in "},
		"program missing": {change: func(t *testing.T, dist string) {
			if err := os.Remove(filepath.Join(dist, name)); err != nil {
				t.Fatal(err)
			}
		}, words: "no such file"},
		"list missing": {change: func(t *testing.T, dist string) {
			if err := os.Remove(filepath.Join(dist, list)); err != nil {
				t.Fatal(err)
			}
		}, words: list},
		"name nowhere": {replace: "NOBODY=acme", words: `no file has "NOBODY"`},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			s, dist := checkout(t, map[string]string{"README.md": "text"})
			var names replacements
			if test.change != nil {
				test.change(t, dist)
			}
			if test.replace != "" {
				if err := names.Set(test.replace); err != nil {
					t.Fatal(err)
				}
			}
			if id, err := s.commit(t.Context(), dist, names); err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("commit %q, error %v", id, err)
			}
		})
	}
}

// What is not committed would be in the programs, and nobody could build them
// again.
func TestUncommitted(t *testing.T) {
	s, _ := checkout(t, map[string]string{"README.md": "text"})
	if err := s.clean(t.Context()); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(s.folder, "new.go"), "package main")
	if err := s.clean(t.Context()); err == nil || !strings.Contains(err.Error(), "new.go") {
		t.Errorf("with a new file: %v", err)
	}
}
