// SPDX-License-Identifier: Apache-2.0

package idtoken

import "strings"

// ManualPlatform is one whose ID token the user must name. The table only adds a hint
// for jobs without another source.
type ManualPlatform struct {
	Name       string
	Recognised []string // a job has one of these variables, or variables with values
	Variable   string   // holds the token
	File       string   // holds the token if no variable does
	Never      bool     // its tokens never work with Quay
	Know       string   // what to know; why, if Never is set
}

// ManualPlatforms are the platforms without a source.
var ManualPlatforms = []ManualPlatform{
	{Name: "HCP Terraform", Recognised: []string{"TFC_RUN_ID", "TFC_WORKLOAD_IDENTITY_TOKEN"}, Variable: "TFC_WORKLOAD_IDENTITY_TOKEN",
		Know: "Set the workspace variable TFC_WORKLOAD_IDENTITY_AUDIENCE=quay. Plan and apply have different subjects."},
	{Name: "Spacelift", Recognised: []string{"SPACELIFT_OIDC_TOKEN", "TF_VAR_spacelift_run_id"}, Variable: "SPACELIFT_OIDC_TOKEN",
		Know: "The audience is the account's host name. The subject contains the kind of run and its scope."},
	{Name: "env zero", Recognised: []string{"ENV0_OIDC_TOKEN", "ENV0_DEPLOYMENT_LOG_ID"}, Variable: "ENV0_OIDC_TOKEN",
		Know: "The organization's policy Enable OIDC sets the variable. All its jobs have one subject."},
	{Name: "Semaphore", Recognised: []string{"SEMAPHORE"}, Variable: "SEMAPHORE_OIDC_TOKEN",
		Know: "Issuer and audience are the organization's URL."},
	{Name: "Codefresh", Recognised: []string{"CF_BUILD_ID"}, Variable: "ID_TOKEN",
		Know: "Add a step of type obtain-oidc-id-token before this one: it sets the variable."},
	{Name: "Bitbucket Pipelines", Recognised: []string{"BITBUCKET_BUILD_NUMBER", "BITBUCKET_STEP_OIDC_TOKEN"}, Never: true,
		Know: "No federation entry can match an ID token of Bitbucket Pipelines: its subject contains the step's UUID, which is new in each run."},
	{Name: "Jenkins", Recognised: []string{"JENKINS_URL"}, Variable: "ID_TOKEN",
		Know: "Add a credential of the plugin OpenID Connect Provider with the audience quay, and bind it to a variable in the job."},
	{Name: "AKS workload identity", Recognised: []string{"AZURE_FEDERATED_TOKEN_FILE"}, File: "$AZURE_FEDERATED_TOKEN_FILE",
		Know: "This token also logs in to Entra ID. A serviceAccountToken volume with the audience quay at /var/run/secrets/quay is safer."},
	{Name: "SPIFFE", Recognised: []string{"SPIFFE_ENDPOINT_SOCKET"}, File: "svid.token",
		Know: "spiffe-helper, or spire-agent api fetch jwt, writes the file. The server needs jwt_issuer, and jwt_key_type rsa-2048 because Quay accepts no EC keys."},
}

// tokenless are CI platforms that issue no ID tokens, by a variable of their jobs.
func tokenless() []ManualPlatform {
	var list []ManualPlatform
	for _, platform := range [][]string{
		{"Woodpecker CI", "CI=woodpecker", "CI_SYSTEM_NAME=woodpecker"}, {"Drone", "DRONE"}, {"Travis CI", "TRAVIS"}, {"AppVeyor", "APPVEYOR"},
		{"TeamCity", "TEAMCITY_VERSION"}, {"Bamboo", "bamboo_buildKey"}, {"GoCD", "GO_PIPELINE_NAME"}, {"SourceHut", "BUILD_SUBMITTER=git.sr.ht"},
	} {
		list = append(list, ManualPlatform{Name: platform[0], Recognised: platform[1:], Never: true, Know: platform[0] + " issues no ID tokens."})
	}
	return list
}

func recognise(env Env) ManualPlatform {
	for _, platform := range append(ManualPlatforms, tokenless()...) {
		for _, variable := range platform.Recognised {
			name, value, exact := strings.Cut(variable, "=")
			if got := env.Getenv(name); got != "" && (!exact || got == value) {
				return platform
			}
		}
	}
	return ManualPlatform{}
}
