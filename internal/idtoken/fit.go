// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"slices"
	"strings"
)

// graph are the audiences of Microsoft Graph, by name and by id.
var graph = []string{"https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"}

// harmful finds tokens that open more than Quay: refresh tokens, tokens for Microsoft
// Graph and for the Kubernetes API. They are never sent. Quay decides about all others.
func harmful(claims Claims) error {
	switch {
	case claims.opensKubernetes():
		return errAPICredential()
	case claims.kind == "refresh" || claims.kind == "offline": // Keycloak's
		return fail(RefreshToken, "is a refresh token")
	case slices.ContainsFunc(claims.Audience, func(a string) bool { return slices.Contains(graph, a) }),
		strings.Contains(claims.Issuer, "sts.windows.net") && claims.headerNonce:
		return fail(GraphToken, "is for Microsoft Graph: Quay cannot verify it")
	}
	return nil
}

func errAPICredential() error {
	return fail(APICredential, "is a credential for the Kubernetes API, not for Quay")
}

// legacyIssuer is of the tokens that Kubernetes keeps in Secrets. They have no audience and
// never expire.
const legacyIssuer = "kubernetes/serviceaccount"

// opensKubernetes reports a service account token that the API server of its cluster
// accepts: one for that server, by its usual names or by the cluster's issuer (GKE,
// HyperShift, ROSA, Talos), or one without an audience.
func (c Claims) opensKubernetes() bool {
	if c.Issuer == legacyIssuer {
		return true
	}
	forServer := func(audience string) bool {
		return apiServer(audience) || strings.TrimRight(audience, "/") == strings.TrimRight(c.Issuer, "/")
	}
	return c.ofKubernetes && (len(c.Audience) == 0 || slices.ContainsFunc(c.Audience, forServer))
}

// apiServer reports a name of the Kubernetes API server inside its cluster: kubernetes.default
// and all below it, as a URL or not. kops has the words in another order, and AKS names the
// server by its public address beside an issuer of another name.
func apiServer(audience string) bool {
	name := strings.ToLower(audience)
	if _, after, found := strings.Cut(name, "://"); found {
		name = after
	}
	name, _, _ = strings.Cut(name, "/")
	name, _, _ = strings.Cut(name, ":")
	return strings.HasSuffix(name, ".azmk8s.io") || name == "kubernetes" || name == "kubernetes.svc.default" || strings.HasPrefix(name+".", "kubernetes.default.")
}

// KnownAlgorithm reports whether Quay verifies signatures of this kind.
func (c Claims) KnownAlgorithm() bool { return c.Algorithm == "RS256" || c.Algorithm == "RS384" }

// fit finds what Quay cannot verify, in a token of a provider that the user can
// configure.
func fit(claims Claims) error {
	switch {
	case !claims.KnownAlgorithm():
		return fail(WrongAlgorithm, "is signed with %s: Quay accepts only RS256 and RS384", claims.Algorithm)
	case claims.KeyID == "":
		return fail(NoKeyID, "has no key ID (kid), so Quay cannot find the key")
	}
	return nil
}
