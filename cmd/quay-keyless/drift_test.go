// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/internal/cli"
	org "quay-keyless/internal/organization"
	"quay-keyless/internal/sandbox"
)

// driftCommand is the command of an example that compares a file with Quay.
func driftCommand(t *testing.T, name string) []string {
	t.Helper()
	example := decode(t, read(t, "docs/examples/drift/"+name))
	switch name {
	case "github.yml":
		if on := example["on"].(map[string]any); len(on) != 1 || on["schedule"] == nil {
			t.Errorf("%s runs on %v, want only a schedule", name, on)
		}
		if at(t, example, "jobs", "drift", "environment") != "quay-admin" {
			t.Errorf("%s has no environment", name)
		}
		steps := at(t, example, "jobs", "drift", "steps").([]any)
		return strings.Fields(at(t, steps[len(steps)-1], "run").(string))
	case "gitlab.yml":
		if rules := fmt.Sprint(at(t, example, "drift", "rules")); rules != `[map[if:$CI_PIPELINE_SOURCE == "schedule" && $CI_COMMIT_REF_PROTECTED == "true"]]` {
			t.Errorf("%s runs by the rules %s", name, rules)
		}
		if at(t, example, "drift", "environment", "name") != "quay-admin" {
			t.Errorf("%s has no environment", name)
		}
		return strings.Fields(at(t, example, "drift", "script", 0).(string))
	}
	var words []string
	for _, word := range at(t, example, "spec", "jobTemplate", "spec", "template", "spec", "containers", 0, "command").([]any) {
		words = append(words, word.(string))
	}
	return words
}

// The examples of a job that looks for drift find none after setup, and an entry that
// somebody added by hand.
func TestDriftExamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"github.yml", "gitlab.yml", "cronjob.yaml"} {
		sb := startSandbox(t, sandbox.Config{})
		_, file, _ := audit(t, sb, sb.APIToken(), "--output", "yaml")
		folder := t.TempDir()
		path, token := filepath.Join(folder, "acme.yaml"), filepath.Join(folder, "token")
		for path, text := range map[string]string{path: file, token: sb.APIToken()} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		variables := map[string]string{"QUAY_CA_CERTIFICATE": string(sb.CA), "QUAY_API_TOKEN": sb.APIToken()}
		var args []string
		for i, word := range driftCommand(t, name) {
			switch {
			case i == 0 && word != "quay-keyless":
				t.Fatalf("%s runs %s", name, word)
			case word == "quay.example.com":
				word = sb.Host
			case strings.HasSuffix(word, "acme.yaml"):
				word = path
			case strings.HasSuffix(word, "/token"):
				delete(variables, "QUAY_API_TOKEN")
				word = token
			}
			args = append(args, word)
		}
		if code, stdout, stderr := run(t, cli.Main, inProcess(variables, args[1:]...)); code != 0 || stdout != "" {
			t.Errorf("%s: exit code %d: %s%s", name, code, stdout, stderr)
		}
		sb.ChangeRobot("acme+reader", func(r *sandbox.Robot) {
			r.Federation = append(r.Federation, sandbox.Entry{Issuer: "https://issuer.example.com", Subject: "intruder"})
		})
		code, stdout, _ := run(t, cli.Main, inProcess(variables, args[1:]...))
		if code != 6 || !strings.Contains(stdout, "acme+reader: federation entry: issuer https://issuer.example.com, subject intruder") {
			t.Errorf("%s: exit code %d: %s", name, code, stdout)
		}
	}
}

// The file in the page is one that setup accepts.
func TestDocumentedFile(t *testing.T) {
	t.Parallel()
	list, _ := blocks(t, "docs/organization.md")
	for _, block := range list {
		if strings.HasPrefix(block.text, "organization:") {
			file, err := org.Parse("acme.yaml", []byte(block.text))
			if err != nil || len(file.Robots) != 1 || len(file.Robots[0].Entries) != 4 {
				t.Errorf("%s: %v, %+v", block, err, file)
			}
			return
		}
	}
	t.Error("the page shows no file")
}
