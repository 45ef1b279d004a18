// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"quay-keyless/internal/sandbox"
)

// prepared says in what a block is run, by its page and the beginning of its first
// command: lines of a script. Without an entry it is a GitHub job, which is where
// the default robot logs in from.
var prepared = map[string]string{
	"docs/keycloak.md: export OIDC_ISSUER_URL=https://keycloak.example.com/realms/ci OIDC_CLIENT_ID=quay-ci": "env OIDC_CLIENT_SECRET=" + sandbox.ClientSecret,
	"docs/keycloak.md: export OIDC_ISSUER_URL=https://keycloak.example.com/realms/ci OIDC_CLIENT_ID=quay ":   "env OIDC_PASSWORD=" + sandbox.UserPassword,
}

// namesInPages are the names of the pages, each with that of the sandbox; %s is its registry.
var namesInPages = [][2]string{
	{"https://keycloak.example.com/realms/ci", "https://%s/issuers/oidc"},
	{"OIDC_CLIENT_ID=quay-ci", "OIDC_CLIENT_ID=" + sandbox.ConfidentialClient},
	{"OIDC_CLIENT_ID=quay ", "OIDC_CLIENT_ID=" + sandbox.PublicClient + " "},
	{"https://token.actions.githubusercontent.com", "https://%s/issuers/github"},
	{"quay.example.com", "%s"},
	{"quay.io", "%s"},
}

// documentedQuay is the sandbox of each block: its robots trust the jobs that the
// pages are about.
const documentedQuay = `
robots:
  - name: acme+ci
    federation:
      - {issuer: github, subject: "repo:acme/app:ref:refs/heads/main"}
      - {issuer: oidc, subject: 8d1f3a52-0000-4000-8000-0000000000c1}
      - {issuer: oidc, subject: 8d1f3a52-0000-4000-8000-0000000000a1}
    grants: {acme/app: write}
  - name: acme+other
repositories: [acme/app]
`

// Each block of shell in the pages goes through as it stands, but for the names, on
// a sandbox; what it shows is what the program says. Some are not run, and say why
// (TestDocs).
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	var scripts []string
	folder, used := t.TempDir(), map[string]bool{}
	for _, page := range pages(t) {
		list, _ := blocks(t, page)
		for _, b := range list {
			if !b.runnable() {
				continue
			}
			name := filepath.Join(folder, strings.NewReplacer("/", "-", ".md", "").Replace(page)+fmt.Sprintf("-%d.txtar", b.line))
			text := preparation(b, used) + "\ndocumented block\n-- block --\n" + b.text + "-- sandbox.yaml --\n" + documentedQuay
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			scripts = append(scripts, name)
		}
	}
	for beginning := range prepared {
		if !used[beginning] {
			t.Errorf("no page has %s any more", beginning)
		}
	}
	testscript.Run(t, testscript.Params{Files: scripts, Setup: setup, Cmds: commandsAnd("documented", documented), RequireExplicitExec: true})
}

// harmlessCommands are the commands that a block may have to be run: a page names others, such as git,
// that a test must not.
var harmlessCommands = []string{"quay-keyless", "docker-credential-quay-keyless", "export", "eval", "echo", "cat"}

// preparation is what stands before a block in its script; it notes which was used.
func preparation(b fenced, used map[string]bool) string {
	for beginning, lines := range prepared {
		page, command, _ := strings.Cut(beginning, ": ")
		if page == b.page && strings.HasPrefix(b.commands()[0]+" ", command) {
			used[beginning] = true
			return lines
		}
	}
	return "github\nenv QUAY_API_TOKEN=$API_TOKEN\nenv QUAY_REGISTRY=$REGISTRY"
}

// commandsAnd are the commands of all scripts, and one more.
func commandsAnd(name string, command func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){name: command}
	for name, command := range commands {
		all[name] = command
	}
	return all
}

// documented FILE runs a block of a page with the sandbox's names in the place of
// the page's. Lines after "$ " are run one by one, and those that follow are what
// they show.
func documented(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	for _, pair := range namesInPages {
		text = strings.ReplaceAll(text, pair[0], strings.ReplaceAll(pair[1], "%s", ts.Getenv("REGISTRY")))
	}
	// A page shows a token's place, not a token.
	text = regexp.MustCompile(`(?m)^export QUAY_API_TOKEN=\.\.\..*$`).ReplaceAllString(text, "export QUAY_API_TOKEN")
	if !strings.HasPrefix(text, "$ ") {
		ts.Check(ts.Exec("sh", "-euc", text))
		return
	}
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(strings.TrimSuffix(part, "\n"), "\n")
		_ = ts.Exec("sh", "-c", "("+command+") 2>&1") // a refusal is worth showing, too
		got := strings.TrimSuffix(masks.ReplaceAllString(ts.ReadFile("stdout"), ""), "\n")
		pattern := strings.ReplaceAll(regexp.QuoteMeta(want), `\.\.\.`, "(?s:.*)")
		if !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			ts.Fatalf("%s\nshows\n%s\nand the page has\n%s", command, got, want)
		}
	}
}
