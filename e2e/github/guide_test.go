// SPDX-License-Identifier: Apache-2.0

package github

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// guideJob is a block of YAML in a page, and its indentation.
var guideJob = regexp.MustCompile("(?m)^```yaml\n((?: *)(?:permissions|steps):\n(?s:.*?))^```")

// Each job that the README and the guide show is one that logs in and pushes, but
// for the registry's name. Those that stand for what people do today have no step
// of ours.
func TestGuides(t *testing.T) {
	ran := 0
	for _, page := range []string{"README.md", "docs/github.md"} {
		for _, found := range guideJob.FindAllStringSubmatch(lab.Read(t, lab.Path(page)), -1) {
			if !strings.Contains(found[1], "OWNER/quay-keyless@") {
				continue
			}
			ran++
			t.Run(fmt.Sprintf("%s, job %d", page, ran), func(t *testing.T) { runGuide(t, found[1]) })
		}
	}
	if ran < 2 {
		t.Errorf("%d jobs found", ran)
	}
}

// runGuide runs a job as it stands, on a machine whose tools trust the registry and
// have built the image, and then pushes once more: some of the pages leave that out.
func runGuide(t *testing.T, job string) {
	sb, ca := lab.SandboxOf(t, sandbox.Config{})
	m := machine(t, sb, ca)
	m.Env["SSL_CERT_FILE"], m.Env["QUAY_REGISTRY"] = ca, sb.Host
	before := lab.Read(t, config(m))
	checkout := app(t)
	lab.Command{Env: m.Env, Dir: checkout, Args: []string{"buildah", "bud", "--tag", sb.Host + "/acme/app", "."}}.Must(t)

	indent := regexp.MustCompile(`^ *`).FindString(job)
	lines := strings.Split(strings.TrimRight(job, "\n"), "\n")
	for i, line := range lines {
		lines[i] = "    " + strings.TrimPrefix(line, indent)
	}
	lines = append(lines, "      - run: podman push quay.io/acme/app")
	text := strings.NewReplacer("quay.example.com", sb.Host, "quay.io", sb.Host).Replace(strings.Join(lines, "\n"))
	log := m.Run(t, checkout, "on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n"+text+"\n")
	if !log.Succeeded() {
		t.Errorf("the job failed\n%s\n%s", text, log.Shown)
	}
	lab.NoSecrets(t, "the log", log.Shown)
	if now := lab.Read(t, config(m)); now != before {
		t.Errorf("after the job the auth file is\n%s", now)
	}
}
