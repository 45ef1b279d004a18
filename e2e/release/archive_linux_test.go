// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// The archive, unpacked into an empty root as docs/internals/releasing.md says, is an
// installation: nothing else is there when the program logs in.
func TestArchive(t *testing.T) {
	root := t.TempDir()
	archive := filepath.Join(rehearsal.dist, "quay-keyless-"+version+"-"+runtime.GOOS+"-"+runtime.GOARCH+".tar.gz")
	lab.Command{Env: path(), Args: []string{"tar", "--extract", "--strip-components", "1", "--directory", root, "--file", archive}}.Must(t)
	t.Run("login", func(t *testing.T) { loginInRoot(t, root, "bin") })
	t.Run("man pages", func(t *testing.T) { manPages(t, root) })
	t.Run("completions", func(t *testing.T) { completions(t, root) })
	t.Run("licenses", func(t *testing.T) {
		licenses := lab.Read(t, filepath.Join(root, "share/doc/quay-keyless/THIRD_PARTY_LICENSES"))
		for line := range strings.Lines(lab.Read(t, lab.Path("testdata", "modules.txt"))) {
			if !strings.Contains(licenses, "\n"+strings.TrimSpace(line)+": ") {
				t.Errorf("the license of %s is missing", line)
			}
		}
	})
}

// inRoot runs a command that sees no file but those below root.
func inRoot(t *testing.T, root string, env map[string]string, arguments ...string) (output string) {
	t.Helper()
	command := lab.Command{Dir: "/", Env: env, Args: arguments}.Start(t)
	command.SysProcAttr = asRoot(&syscall.SysProcAttr{Chroot: root})
	text, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", arguments, err, text)
	}
	return string(text)
}

// loginInRoot logs in and out, as a user does.
func loginInRoot(t *testing.T, root, bin string) {
	sb, ca := lab.Sandbox(t)
	token, err := sb.Mint(sandbox.Token{Issuer: "github"})
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PATH": "/" + bin, "HOME": "/root"}
	if said := inRoot(t, root, env, "/"+bin+"/quay-keyless", "version"); said != "quay-keyless "+version+"\n" {
		t.Errorf("version: %q", said)
	}
	helper := lab.Command{Env: map[string]string{"HOME": root}, Stdin: "other.example.com\n", Args: []string{filepath.Join(root, bin, "docker-credential-quay-keyless"), "get"}}.Run(t)
	if !strings.Contains(helper.Stdout, "credentials not found in native keychain") {
		t.Errorf("the helper says %q", helper.Log())
	}
	maps.Copy(env, map[string]string{"QUAY_REGISTRY": sb.Host, "QUAY_CA_CERTIFICATE": lab.Read(t, ca),
		"QUAY_ROBOT": "acme+ci", "QUAY_ID_TOKEN_ENV": "ID_TOKEN", "ID_TOKEN": token})
	authFile := filepath.Join(root, "root/.docker/config.json")

	inRoot(t, root, env, "/"+bin+"/quay-keyless", "login")
	if user, password := lab.Login(t, lab.Read(t, authFile), sb.Host); user != "acme+ci" || password == "" {
		t.Errorf("the login is that of %q", user)
	}
	inRoot(t, root, env, "/"+bin+"/quay-keyless", "logout")
	if text, err := os.ReadFile(authFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the logout the auth file is %s %v", text, err)
	}
}

// manPages has groff, which man runs, set each page, with all its warnings.
func manPages(t *testing.T, root string) {
	groff := lab.Tool(t, "groff", "apt-get install groff-base")
	pages, err := filepath.Glob(filepath.Join(root, "share/man/man1/*.1"))
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d man pages (%v)", len(pages), err)
	}
	for _, page := range pages {
		set := lab.Command{Env: path(), Args: []string{groff, "-ww", "-man", "-Tascii", "-rLL=120n", "-P-cbou", page}}.Must(t)
		title := strings.ToUpper(strings.TrimSuffix(filepath.Base(page), ".1")) + "(1)"
		if set.Stderr != "" || !strings.HasPrefix(strings.TrimSpace(set.Stdout), title) {
			t.Errorf("%s is set as\n%s", page, set.Log())
		}
		if strings.HasPrefix(title, "QUAY-KEYLESS-LOGIN") && !strings.Contains(set.Stdout, "--robot") {
			t.Errorf("the page of login is\n%s", set.Stdout)
		}
	}
}

// completions has each shell load its script from where the archive has it, and
// complete a word. Without a terminal bash and zsh are called below the key.
func completions(t *testing.T, root string) {
	env := path()
	env["HOME"], env["ROOT"], env["XDG_DATA_DIRS"] = t.TempDir(), root, filepath.Join(root, "share")
	env["PATH"] = filepath.Join(root, "bin") + ":" + env["PATH"]
	for _, shell := range [][]string{
		{"bash", "-c", `. /usr/share/bash-completion/bash_completion
			compopt() { :; } # is for a running completion alone
			_completion_loader quay-keyless
			complete -p quay-keyless | grep -q __start_quay-keyless || exit
			COMP_WORDS=(quay-keyless logi) COMP_CWORD=1 COMP_LINE='quay-keyless logi' COMP_POINT=17 COMP_TYPE=9
			__start_quay-keyless
			echo "${COMPREPLY[@]}"`},
		{"zsh", "-f", "-c", `fpath=($ROOT/share/zsh/site-functions $fpath)
			autoload -Uz compinit
			compinit -D
			_describe() { print -rl -- $completions }
			words=(quay-keyless logi) CURRENT=2
			$_comps[quay-keyless]`},
		{"fish", "-c", `complete --do-complete 'quay-keyless logi'`},
	} {
		lab.Tool(t, shell[0], "apt-get install "+shell[0])
		completed := lab.Command{Env: env, Args: shell}.Run(t)
		if completed.Exit != 0 || completed.Stderr != "" || !strings.HasPrefix(completed.Stdout, "login") || strings.Contains(completed.Stdout, "logout") {
			t.Errorf("%s completes logi to\n%s", shell[0], completed.Log())
		}
	}
}
