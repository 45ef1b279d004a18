// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"regexp"
	"sync"

	"quay-keyless/internal/platform"
)

// Fleeting is a kind of subject that ends with a run, a pull request or a tag. Quay compares
// whole subjects, so a federation entry for one does not match the next.
type Fleeting struct {
	Name string
	// Once: it ends with its run or pull request, so that no entry for it is worth adding.
	Once  bool
	Text  string
	Cures []string

	issuer, subject func() *regexp.Regexp // issuer is nil for any
}

const (
	eachTag  = "each tag has its own subject, and Quay has no wildcards"
	eachPull = "each pull request has its own subject, and Quay has no wildcards"
	eachRun  = "each run has its own subject, and Quay has no wildcards"
)

// Fleetings are all kinds. The first one that matches counts.
var Fleetings = sync.OnceValue(func() []Fleeting {
	var (
		environment = []string{"give the job an environment, as in environment: release; its subject is then the same for all tags, branches, pull requests and merge queues"}
		project     = []string{
			`give all jobs of the project one subject: set its ci_id_token_sub_claim_components to ["project_path"] by GitLab's projects API`,
			`or one for each kind of environment, from GitLab 18.7 on: ["project_path", "deployment_tier"]`,
		}
		branch  = []string{"log in to Quay in a job for a branch: its subject stays the same"}
		gitlab  = `^(?:[a-z]+_)?project_[a-z]+:`
		forgejo = platform.Pattern(`/api/actions/?$`)
		pulls   = platform.Pattern(`refs/pull/\d+/|ref_type:pull-request(?::|$)`)
		tags    = platform.Pattern(`(?:^|[:/](?:vcs-)?)ref[:/]refs/tags/|ref_type:tag(?::|$)`)
		others  = `^(?:org|organization|account)[:/].*`
	)
	return []Fleeting{
		{"bitbucket", true, "Bitbucket's subject contains the step's UUID, so each run has its own",
			[]string{"use the token of another OIDC provider: Bitbucket Pipelines cannot log in to Quay with its own"},
			platform.Pattern(`^https://api\.bitbucket\.org/`), platform.Pattern(``)},
		{"buildkite", true, "Buildkite's subject contains the commit, so each commit has its own",
			[]string{"--id-token-source buildkite asks for the pipeline's ID instead (agents from 2026-03-27: buildkite-agent oidc request-token --audience quay --subject-claim pipeline_id)"},
			platform.Pattern(`^https://agent\.buildkite\.com`), platform.Pattern(`:commit:`)},
		{"gitlab-merge-request", true, "each merge request has its own subject, and Quay has no wildcards", project, nil, platform.Pattern(gitlab + `.*:ref(?:_path)?:refs/(?:merge-requests|pipelines)/`)},
		{"gitlab-tag", false, eachTag, project, nil, platform.Pattern(gitlab + `.*:(?:ref_type:tag(?::|$)|ref_path:refs/tags/)`)},
		{"forgejo-pull", true, eachPull, branch, forgejo, pulls},
		{"forgejo-tag", false, eachTag, branch, forgejo, tags},
		{"other-pull", true, eachPull, branch, nil, platform.Pattern(others + `(?:refs/pull/\d+/|ref_type:pull-request(?::|$))`)},
		{"other-tag", false, eachTag, branch, nil, platform.Pattern(others + `(?:[:/](?:vcs-)?ref[:/]refs/tags/|ref_type:tag(?::|$))`)},
		{"merge-queue", true, "each entry of a merge queue has its own subject, and Quay has no wildcards", environment, nil, platform.Pattern(`refs/heads/gh-readonly-queue/`)},
		{"pull-ref", true, eachPull, environment, nil, pulls},
		{"run", true, eachRun, []string{"take the run and the commit out of the repository's template for subjects: gh api repos/OWNER/REPO/actions/oidc/customization/sub"},
			nil, platform.Pattern(`(?:^|:)(?:run_id|run_number|check_run_id|sha|workflow_sha|job_workflow_sha):[0-9a-f]+(?::|$)`)},
		{"tag", false, eachTag, environment, nil, tags},
	}
})

// FleetingOf finds the kind of a subject, if it is fleeting.
func FleetingOf(issuer, subject string) (Fleeting, bool) {
	for _, kind := range Fleetings() {
		if (kind.issuer == nil || kind.issuer().MatchString(issuer)) && kind.subject().MatchString(subject) {
			return kind, true
		}
	}
	return Fleeting{}, false
}
