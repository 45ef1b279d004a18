// SPDX-License-Identifier: Apache-2.0

package platform

import "context"

// GitLab is a GitLab CI job. A job cannot mask a value there: ::add-mask:: would print
// the secret.
type GitLab struct{ words }

var _ Platform = GitLab{}

// Name is gitlab.
func (GitLab) Name() string { return "gitlab" }

// Remember notes nothing: after_script finds the login where the job's variables say.
func (GitLab) Remember(result Result) error { return exportable(result) }

// Publish prints what eval sets, and nothing else: artifacts and dotenv reports
// can be downloaded by the project's members, so the login stays in the job.
func (g GitLab) Publish(_ context.Context, result Result) error { return g.export(result) }
