// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"fmt"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// deniedCures says what a platform's refusal usually means.
var deniedCures = map[string][]string{
	"github":          {"look at the job's permissions: GitHub gives ID tokens only with id-token: write, and only while the job runs", "on Forgejo: enable-openid-connect: true"},
	"azure-pipelines": {"the step's access token is not this job's: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}"},
	"buildkite":       {"Buildkite gives ID tokens while the job runs; --subject-claim is one of organization_id, pipeline_id, cluster_id, queue_id"},
	"azure-identity":  {"give the machine an identity; of several, name one by --oidc-client-id; --audience is the App ID URI of an application in its tenant"},
	"google":          {"give the machine a service account; in GKE, bind the pod's to one by Workload Identity Federation"},
}

// unansweredHints is for an endpoint that gives ID tokens: not a registry, and reached
// by https only.
func unansweredHints(u *idtoken.Unanswered) []string {
	var unreachable *endpoint.Unreachable
	switch {
	case !errors.As(u.Err, &unreachable):
		return []string{"is that the provider's own address, with nothing in front of it that wants a sign-in or speaks another protocol?"}
	case endpoint.NoTLS(unreachable.Err):
		return []string{"that server speaks no TLS: is the address right? ID tokens are asked for by https alone"}
	}
	return NetworkHints(unreachable)
}

// platformHints says where a known platform keeps its ID token.
func platformHints(platform idtoken.ManualPlatform) []string {
	if platform.Never {
		return []string{
			platform.Name + " cannot log in with an ID token of its own: " + platform.Know,
			"use an OIDC provider: --oidc-issuer URL --oidc-client-id ID, with OIDC_CLIENT_SECRET as a secured variable",
		}
	}
	place := "--id-token-env " + platform.Variable
	if platform.File != "" {
		place = "--id-token-file " + platform.File
	}
	return []string{fmt.Sprintf("this is %s: %s", platform.Name, place), platform.Know}
}
