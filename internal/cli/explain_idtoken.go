// SPDX-License-Identifier: Apache-2.0

package cli

import "quay-keyless/internal/idtoken"

// idTokenCures is what each problem of a job without an ID token needs.
var idTokenCures = map[idtoken.Problem][]string{
	idtoken.NoSource: {
		"GitHub Actions: give the job the permission id-token: write",
		"GitLab CI: give the job id_tokens: {QUAY_ID_TOKEN: {aud: quay}}",
		"Tekton, Kubernetes: mount a serviceAccountToken volume with the audience quay at /var/run/secrets/quay",
		"elsewhere: --id-token-file PATH, --id-token-env NAME or --id-token-stdin",
	},
	idtoken.NoPermission: {
		"add to the job or the workflow: permissions: {contents: read, id-token: write}",
		"a reusable workflow of another organization gets it only if its caller has it too",
		"on Forgejo: enable-openid-connect: true",
	},
	idtoken.ForkPullRequest: {
		"push images in a job that runs after the merge: GitHub gives jobs of a fork's pull request no ID token, whatever the permissions say",
	},
	idtoken.Dependabot: {
		"leave the login out where nothing is pushed: if: github.actor != 'dependabot[bot]'",
		"GitHub treats such a job as a fork's: only permissions: {contents: read, id-token: write} in its own workflow can give it an ID token",
	},
	idtoken.NoIDTokens: {
		"add to the job: id_tokens: {QUAY_ID_TOKEN: {aud: quay}}",
		"with the component quay-login: the job needs extends: .quay-login, its before_script alone brings no ID token",
		"a token under another name: --id-token-env NAME",
	},
	idtoken.OldVariable: {
		"add to the job: id_tokens: {QUAY_ID_TOKEN: {aud: quay}}",
		"GitLab 17.0 removed CI_JOB_JWT and its kin, whose audience no job could choose; id_tokens are there since 15.7",
	},
	idtoken.OtherJob: {
		"remove what hides the job's own QUAY_ID_TOKEN: a CI/CD variable of the project or group, or a dotenv report of an earlier job",
		"an ID token handed on by artifacts can be downloaded by the project's members: let each job have its own, by id_tokens",
	},
	idtoken.NoVariable: {
		"name a variable that this job has; --id-token-source auto looks at what the platform offers",
	},
	idtoken.NoFile: {
		"look at the step that was to write it; in a pod: mount a projected serviceAccountToken volume with the audience quay there",
	},
	idtoken.Unreadable: {"look at who owns the file, and whether it is one"},
	idtoken.Denied:     {"look at the job's permissions: GitHub gives ID tokens only with id-token: write, and only while the job runs"},
	idtoken.Insecure:   {"the CI server has to be reached by https: else everybody on the way can read the request token"},
	idtoken.APICredential: {
		"mount a serviceAccountToken volume with the audience quay at /var/run/secrets/quay, and leave --id-token-file out: Quay must not see the API's credential",
	},
	idtoken.Empty:        {"look at the step that was to write the ID token there: it wrote nothing"},
	idtoken.SeveralLines: {"the ID token alone belongs there, in one line"},
	idtoken.NotJWT: {
		"an ID token has three parts with dots between them and begins with eyJ; opaque access tokens and robot passwords cannot be exchanged",
	},
	idtoken.Expired: {
		"log in earlier in the job, or have the platform give a fresh ID token right before",
	},
	idtoken.TooLong: {
		"have the ID token's provider put fewer claims in it: the server in front of Quay takes about 6100 bytes",
	},
}

func idTokenHints(e *idtoken.Error) []string {
	if hints := sourceHints(e); hints != nil {
		return hints
	}
	return idTokenCures[e.Problem]
}
