// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"fmt"
	"time"
)

// GitLab is a GitLab CI job. A job cannot mask a value there: ::add-mask:: would print
// the secret.
type GitLab struct {
	words
	now func() time.Time
}

var _ Platform = GitLab{}

// Name is gitlab.
func (GitLab) Name() string { return "gitlab" }

// Can says that GitLab hands nothing on.
func (GitLab) Can() Abilities { return Abilities{} }

// Remember notes nothing: after_script finds the login where the job's variables say.
func (GitLab) Remember(result Result) error { return exportable(result) }

// Publish prints what eval sets, and nothing else: artifacts and dotenv reports
// can be downloaded by the project's members, so the login stays in the job.
func (g GitLab) Publish(_ context.Context, result Result) error { return g.export(result) }

// Fail puts what to do into a section of the log, which is open.
func (g GitLab) Fail(m Message) {
	lines, body := g.head("error:", red, m), g.body(m)
	if len(body) == 0 {
		g.lines(lines)
		return
	}
	var seconds int64
	if g.now != nil {
		seconds = g.now().Unix()
	}
	mark := func(edge string) string { return fmt.Sprintf("section_%s:%d:quay_keyless\r\x1b[0K", edge, seconds) }
	lines = append(lines, mark("start")+"What to do")
	g.lines(append(append(lines, body[1:]...), mark("end")))
}
