// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"net/http"
	"strings"
)

// The variables of an Azure Pipelines job. The agent sets the first two; the
// third is a secret that each step must map into its environment itself
// (learn.microsoft.com, Azure DevOps, release notes of sprint 240).
const (
	azureBuild       = "TF_BUILD"
	azureRequestURI  = "SYSTEM_OIDCREQUESTURI"
	azureAccessToken = "SYSTEM_ACCESSTOKEN"
)

// AzurePipelines is the ID token of an Azure Pipelines job. Its audience is
// always api://AzureADTokenExchange.
type AzurePipelines struct {
	renewer
	Env Env
}

// Name is azure-pipelines.
func (AzurePipelines) Name() string { return "azure-pipelines" }

// Present reports a job of Azure Pipelines.
func (a AzurePipelines) Present() bool {
	return strings.EqualFold(a.Env.Getenv(azureBuild), "true") || a.Env.Getenv(azureRequestURI) != ""
}

// IDToken asks the job's endpoint; the audience cannot be chosen. Without a
// service connection the subject is p://ORG/PROJECT/PIPELINE.
func (a AzurePipelines) IDToken(ctx context.Context, _ string) (Token, error) {
	bearer, at := a.Env.Hidden(NewSecret(a.Env.Getenv(azureAccessToken))), a.Env.Getenv(azureRequestURI)
	switch {
	case at == "":
		return Token{}, &Error{Problem: NoAzureEndpoint, Source: a.Name()}
	case bearer.Empty():
		return Token{}, &Error{Problem: NoAzureToken, Source: a.Name()}
	}
	u, err := address(a.Name(), azureRequestURI, at)
	if err != nil {
		return Token{}, err
	}
	query := u.Query()
	query.Set("api-version", "7.1")
	u.RawQuery = query.Encode()
	return question{a.Env.Endpoint, a.Name(), "Azure Pipelines' ID token endpoint", u, http.Header{
		"Authorization": {"Bearer " + bearer.Reveal()}, "Accept": {"application/json"}, "Content-Type": {"application/json"},
		"X-Tfs-Fedauthredirect": {"Suppress"}, // a 401 instead of a sign-in page
	}, []byte{}}.token(ctx, "oidcToken")
}
