// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"regexp"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// guidePipeline is a pipeline in a page: what it gives the component, and its jobs.
var guidePipeline = regexp.MustCompile("(?m)^```yaml\ninclude:\n  - component: \\$CI_SERVER_FQDN/OWNER/quay-keyless/quay-login@v1\n" +
	"    inputs:\n((?:      .*\n)+)((?:[^`].*\n|\n)+)```")

// The pipelines that the README and the guide show build and push as they stand,
// with this server's registry, image and component.
func guideJobs(t *testing.T, s *server) {
	for _, page := range []string{"README.md", "docs/gitlab.md"} {
		found := guidePipeline.FindStringSubmatch(lab.Read(t, lab.Path(page)))
		if found == nil {
			t.Errorf("%s has no pipeline as this test knows it", page)
			continue
		}
		var inputs []string
		for line := range strings.Lines(found[1]) {
			if input := strings.TrimSpace(line); !strings.HasPrefix(input, "registry:") {
				inputs = append(inputs, input)
			}
		}
		jobs := strings.NewReplacer("quay.example.com", s.sandbox.Host, "quay.io", s.sandbox.Host).Replace(found[2])
		r := s.project(t, s.include(component, inputs...)+jobs).run(t)
		if r.Exit != 0 {
			t.Errorf("%s: exit code %d\n%s", page, r.Exit, r.Log())
			continue
		}
		r.must(t, "build", "logged in to "+s.sandbox.Host, "Writing manifest", "logged out of "+s.sandbox.Host)
	}
	defaultScript(t, s)
}

// extends drops the project's default before_script; the guide's job has it back.
func defaultScript(t *testing.T, s *server) {
	job := regexp.MustCompile("(?s)Add it back:\n\n```yaml\n(.*?)```").FindStringSubmatch(lab.Read(t, lab.Path("docs", "gitlab.md")))
	if job == nil {
		t.Fatal("docs/gitlab.md does not add the default before_script back")
	}
	r := s.project(t, s.include(component, "robot: acme+ci")+
		"\ndefault:\n  before_script:\n    - echo the default ran\n\n"+job[1]+"  script:\n    - echo the script ran\n").run(t)
	r.must(t, "build", "the default ran", "logged in to "+s.sandbox.Host, "the script ran")
}
