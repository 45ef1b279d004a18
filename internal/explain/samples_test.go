// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/certsd"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// sampleTarget is what all samples are about.
func sampleTarget() request.Target {
	return request.Target{Registry: quay.Registry{Host: "quay.example.com"}, Robot: quay.Robot{Namespace: "acme", Name: "ci"}, Audience: "quay"}
}

// sampleRun is a job; in one for a fork's merge request the variables are GitLab's.
func sampleRun(code string) *process.Run {
	variables := map[string]string{}
	if code == "fork-merge-request" {
		variables = map[string]string{"CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "somebody/app", "CI_MERGE_REQUEST_PROJECT_PATH": "acme/app"}
	}
	return &process.Run{Env: process.Env{Getenv: func(name string) string { return variables[name] }}}
}

// refusedToken is a refusal of the exchange.
func refusedToken(reason quay.Reason, message string) error {
	return &login.RefusedIDToken{Target: sampleTarget(), Source: idtoken.Source{Name: "the file token"}, Claims: plainClaims(),
		Err: &quay.Refusal{Host: "quay.example.com", Status: http.StatusBadRequest, Reason: reason, Message: message}}
}

// refusedLogin is a refusal of the registry.
func refusedLogin(err error) error {
	return &login.RefusedLogin{Target: sampleTarget(), Claims: plainClaims(), Permission: quay.Permission{Repository: "acme/app", Action: "push"}, Err: err}
}

func refusedAPI(status int, reason quay.Reason, message string) error {
	return &federation.RefusedAPI{Target: sampleTarget(), Scopes: federation.ScopeOrganization,
		Err: &quay.Refusal{Host: "quay.example.com", Status: status, Reason: reason, Message: message}}
}

func registryRefusal(status int, reason quay.Reason, message string) error {
	return refusedLogin(&quay.Refusal{Host: "quay.example.com", Status: status, Reason: reason, Message: message})
}

// status is an answer to every attempt.
func status(code, attempts int, name string) *endpoint.Unreachable {
	return &endpoint.Unreachable{Name: name, Attempts: attempts, Err: &endpoint.StatusError{Answer: &endpoint.Answer{Status: code}}}
}

// notReached is an endpoint without an answer.
func notReached(attempts int, err error) *endpoint.Unreachable {
	return &endpoint.Unreachable{Name: "the registry at quay.example.com", Attempts: attempts, Err: err}
}

func exchangeFailed(err error) error {
	return &login.RefusedIDToken{Target: sampleTarget(), Claims: plainClaims(), Err: err}
}

func dial(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

func fileFault(reason authfile.Reason) error {
	return &authfile.Error{Path: "/home/ci/.docker/config.json", Reason: reason}
}

// without is a job without a usable ID token.
func without(problem idtoken.Problem, source string) error {
	detail, missing := strings.CutPrefix(details[problem], "none: ")
	return &idtoken.Error{Problem: problem, Source: source, Missing: missing, Detail: detail}
}

// samples has an error for each code.
func samples() map[string]error {
	all := map[string]error{
		otherError: errors.New("something else"), "interrupted": &process.Interrupted{Signal: syscall.SIGTERM},
		"usage":             &request.UsageError{Command: "quay-keyless login", Err: errors.New("no robot: name one with --robot ORG+NAME or QUAY_ROBOT")},
		"no-matching-entry": &platform.Curable{Text: "no stored federation entry lets this job in: there is none", Reason: "no-matching-entry"},

		string(quay.WrongSubject):   refusedToken(quay.WrongSubject, "Token does not match robot"),
		string(quay.UnknownIssuer):  refusedToken(quay.UnknownIssuer, "issuer https://token.actions.githubusercontent.com not configured for this robot"),
		string(quay.NotFederated):   refusedToken(quay.NotFederated, "Robot does not have federated login configured"),
		"fork-merge-request":        refusedToken(quay.WrongSubject, "Token does not match robot"),
		string(quay.NoSuchRobot):    refusedToken(quay.NoSuchRobot, "Could not find robot with specified username"),
		string(quay.InvalidRobot):   refusedToken(quay.InvalidRobot, "Invalid robot"),
		string(quay.BadHeader):      refusedToken(quay.BadHeader, "No auth header"),
		string(quay.Ambiguous):      refusedToken(quay.Ambiguous, "Ambiguous federation binding for this robot"),
		string(quay.WrongAudience):  refusedToken(quay.WrongAudience, "Invalid token: Audience doesn't match"),
		string(quay.IssuerDiffers):  refusedToken(quay.IssuerDiffers, "Invalid token: Invalid issuer"),
		string(quay.MissingClaim):   refusedToken(quay.MissingClaim, `Invalid token: Token is missing the "aud" claim`),
		string(quay.BadSignature):   refusedToken(quay.BadSignature, "Invalid token: Signature verification failed"),
		string(quay.Algorithm):      refusedToken(quay.Algorithm, "Invalid token: The specified alg value is not allowed"),
		string(quay.Unrecognized):   refusedToken(quay.Unrecognized, "words of a later release"),
		string(quay.NoEndpoint):     refusedToken(quay.NoEndpoint, ""),
		string(quay.NoIssuer):       refusedToken(quay.NoIssuer, "Token does not contain issuer"),
		string(quay.NoKeyID):        refusedToken(quay.NoKeyID, "Invalid token: Missing `kid` header"),
		string(quay.MalformedClaim): refusedToken(quay.MalformedClaim, "Invalid token: Subject must be a string"),
		string(quay.HeaderTooLarge): refusedToken(quay.HeaderTooLarge, "400 Request Header Or Cookie Too Large"),
		string(quay.NotYetIssued):   refusedToken(quay.NotYetIssued, "Invalid token: Issued At claim (iat) cannot be in the future."),
		string(quay.NotYetValid):    refusedToken(quay.NotYetValid, "Invalid token: The token is not yet valid (nbf)"),
		string(quay.IDTokenExpired): refusedToken(quay.IDTokenExpired, "Invalid token: Signature has expired"),

		string(quay.RobotsDisabled): registryRefusal(http.StatusUnauthorized, quay.RobotsDisabled, "Robot account have been disabled. Please contact your administrator."),
		string(quay.OwnerDisabled):  registryRefusal(http.StatusUnauthorized, quay.OwnerDisabled, "Robot acme+ci owner acme is disabled"),
		"robot-deleted":             registryRefusal(http.StatusUnauthorized, quay.NoSuchRobot, "Could not find robot with specified username"),
		"robot-token-refused":       registryRefusal(http.StatusForbidden, quay.Unrecognized, "Forbidden"),
		string(quay.NotGranted):     registryRefusal(http.StatusOK, quay.NotGranted, "quay.example.com grants acme+ci no push on acme/app"),
		string(quay.WantsHTTPS):     &quay.Refusal{Host: "quay.example.com", Status: http.StatusMovedPermanently, Reason: quay.WantsHTTPS, Location: "https://quay.example.com/v2/"},
		"read-only-repository": refusedLogin(&quay.Refusal{Host: "quay.example.com", Status: http.StatusOK, Reason: quay.NotGranted,
			Message: "quay.example.com grants acme+ci no push on acme/app", State: "MIRROR"}),
		"no-proof":       refusedLogin(quay.ErrNoProof),
		"registry-error": refusedLogin(status(http.StatusInternalServerError, 3, "the token endpoint of quay.example.com")),

		string(quay.BadAPIToken): refusedAPI(http.StatusUnauthorized, quay.BadAPIToken, "Requires authentication"),
		string(quay.NotAllowed):  refusedAPI(http.StatusForbidden, quay.NotAllowed, "Unauthorized"),
		string(quay.NoOwner):     refusedAPI(http.StatusNotFound, quay.NoOwner, "Organization does not exist"),
		string(quay.NotOwner):    refusedAPI(http.StatusNotFound, quay.NotOwner, "Organization does not exist"),
		string(quay.NoAPI):       refusedAPI(http.StatusNotFound, quay.NoAPI, ""),
		string(quay.ReadOnly):    refusedAPI(http.StatusServiceUnavailable, quay.ReadOnly, "System is currently read-only."),
		"no-repository":          &platform.Curable{Text: "quay.example.com has no repository acme/app; nothing was changed", Reason: "no-repository", Cures: []string{"Check the repository's name.", "To create it as a private repository, add --create-repositories."}},
		"stored-otherwise": &federation.RefusedAPI{Target: sampleTarget(), Err: &quay.StoredOtherwise{Host: "quay.example.com", Robot: sampleTarget().Robot,
			Differences: []quay.Difference{{Field: "audiences", Entry: quay.Entry{Issuer: plainClaims().Issuer, Subject: plainClaims().Subject}}}}},
		"no-such-entry":  &federation.NoEntry{Target: sampleTarget(), Issuer: plainClaims().Issuer, Subject: plainClaims().Subject},
		"overwritten":    &federation.RefusedAPI{Target: sampleTarget(), Err: &quay.Overwritten{Host: "quay.example.com", Robot: sampleTarget().Robot, Tries: 5}},
		"audiences-lost": &federation.LostAudiences{Target: sampleTarget()},

		"proxy-not-reached":   notReached(3, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(syscall.ECONNREFUSED)}),
		"no-ca-certificates":  notReached(1, &endpoint.NoRoots{Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}),
		"unknown-ca":          notReached(1, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}),
		"certificate-invalid": notReached(1, &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}),
		"no-tls":              notReached(1, tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}),
		"host-unknown":        notReached(3, &net.DNSError{Err: "no such host", Name: "quay.example.com", IsNotFound: true}),
		"rate-limited":        status(http.StatusTooManyRequests, 5, "the registry at quay.example.com"),
		"failing":             status(http.StatusBadGateway, 5, "the registry at quay.example.com"),
		"timed-out":           notReached(1, request.ErrTimeout{Limit: 90e9}),
		"not-reached":         notReached(3, dial(syscall.ECONNREFUSED)),
		"issuer-slow":         exchangeFailed(status(http.StatusGatewayTimeout, 5, "the exchange at quay.example.com")),
		"issuer-not-reached":  exchangeFailed(status(http.StatusBadGateway, 5, "the exchange at quay.example.com")),
		"quay-error":          exchangeFailed(status(http.StatusInternalServerError, 3, "the exchange at quay.example.com")),
		"quay-failing":        exchangeFailed(&quay.Failure{State: quay.State{Failing: []string{"database"}}, Err: status(http.StatusInternalServerError, 3, "the exchange at quay.example.com")}),
		"header-too-long":     exchangeFailed(&endpoint.Unreachable{Name: "the exchange at quay.example.com", Attempts: 5, Err: errors.New("stream error: stream ID 3; PROTOCOL_ERROR")}),
		"wrong-answer":        &endpoint.Unbelievable{Name: "the registry at quay.example.com", Why: "answers /v2/ with a web page, so it is no registry"},

		"login-hidden": &lookup.Conflict{Kind: lookup.NarrowerKey, Path: "/home/ci/.docker/config.json", Key: "quay.example.com/acme", Tools: []string{"podman", "buildah", "skopeo"}, Fatal: true},
		"no-place":     lookup.ErrNoHome, "auth-file-locked": fileFault(authfile.Locked), "auth-file-contended": fileFault(authfile.Contended),
		"auth-file-damaged": fileFault(authfile.NotJSON), "auth-file-version": fileFault(authfile.RecordVersion), "auth-file-unusable": fileFault(authfile.NotPermitted),
		"helper-settings":  &credhelper.Error{Path: "/home/ci/.docker/quay-keyless.json", Err: fs.ErrPermission},
		"helper-folder":    credhelper.NotInstalled("/opt/bin", fs.ErrPermission),
		"ca-not-installed": &certsd.Error{Path: "/etc/containers/certs.d/quay.example.com/quay-keyless.crt", Err: fs.ErrPermission},
	}
	for _, code := range Codes() {
		if reasons()[code].exit != 3 {
			continue
		}
		source, named := sources[idtoken.Problem(code)]
		if !named {
			source = "oidc"
		}
		all[code] = without(idtoken.Problem(code), source)
	}
	all[string(idtoken.UnknownSource)] = without(idtoken.UnknownSource, "somewhere")
	return all
}

// sources are where the ID token comes from, if that is not oidc.
var sources = map[idtoken.Problem]string{
	idtoken.NoSource: "", idtoken.NoPermission: "github", idtoken.ForkPullRequest: "github", idtoken.Dependabot: "github", idtoken.NoGiteaToken: "github", idtoken.NoForgejoToken: "github", idtoken.Insecure: "github",
	idtoken.NoIDTokens: "gitlab", idtoken.OldVariable: "gitlab", idtoken.OtherJob: "gitlab",
	idtoken.NoVariable: "the variable ID_TOKEN", idtoken.NoFile: "the file id.token", idtoken.Unreadable: "the file id.token",
	idtoken.JobCredential: "the variable ACTIONS_ID_TOKEN_REQUEST_TOKEN",
	idtoken.APICredential: "the file /var/run/secrets/kubernetes.io/serviceaccount/token",
	idtoken.Empty:         "the file id.token", idtoken.SeveralLines: "the file id.token", idtoken.NotJWT: "the file id.token",
	idtoken.Expired: "the file id.token", idtoken.TooLong: "the file id.token",
	idtoken.NoAzureEndpoint: "azure-pipelines", idtoken.NoAzureToken: "azure-pipelines", idtoken.NoBuildkiteToken: "buildkite",
	idtoken.NoCircleToken: "circleci", idtoken.NoResource: "entra", idtoken.GraphToken: "entra",
}

// details are the words of problems, as they are after "the ID token from ...". After none they
// follow "no ID token from ...".
var details = map[idtoken.Problem]string{
	idtoken.NoSource:         "this job has no ID token",
	idtoken.NoPermission:     "none: the job lacks id-token: write",
	idtoken.ForkPullRequest:  "none: GitHub gives none to pull requests from forks",
	idtoken.Dependabot:       "none: GitHub gives none to jobs that Dependabot starts",
	idtoken.NoGiteaToken:     "none: Gitea issues no ID tokens",
	idtoken.NoForgejoToken:   "none: the job lacks enable-openid-connect or belongs to a fork's pull request",
	idtoken.JobCredential:    "is the job's ACTIONS_ID_TOKEN_REQUEST_TOKEN, not an ID token for Quay",
	idtoken.Denied:           "was denied with HTTP 403",
	idtoken.TooLong:          "has 9000 bytes, too many for the header that carries it to Quay",
	idtoken.Expired:          "expired 2m0s ago, at 2026-11-22 09:05:00 UTC",
	idtoken.NotJWT:           "is not a JWT",
	idtoken.NoVariable:       "none: it is not set",
	idtoken.NoIDTokens:       "none: QUAY_ID_TOKEN is not set",
	idtoken.OldVariable:      "none: quay-keyless does not use CI_JOB_JWT",
	idtoken.OtherJob:         "is from another job: it was issued 5m0s before this job started",
	idtoken.NoFile:           "none: no such file",
	idtoken.Unreadable:       "cannot be read: permission denied",
	idtoken.APICredential:    "is a credential for the Kubernetes API, not for Quay",
	idtoken.Insecure:         "none: ACTIONS_ID_TOKEN_REQUEST_URL is not https",
	idtoken.Empty:            "is empty",
	idtoken.UnknownSource:    "is not known",
	idtoken.NoAzureEndpoint:  "none: the agent does not set SYSTEM_OIDCREQUESTURI",
	idtoken.NoAzureToken:     "none: SYSTEM_ACCESSTOKEN is not set in this step",
	idtoken.NoBuildkiteToken: "none: BUILDKITE_JOB_ID or BUILDKITE_AGENT_ACCESS_TOKEN is not set",
	idtoken.NoCircleToken:    "none: neither CIRCLE_OIDC_TOKEN_V2 nor CIRCLE_OIDC_TOKEN is set",
	idtoken.NoResource:       "none: the audience is not an App ID URI",
	idtoken.RefreshToken:     "is a refresh token",
	idtoken.GraphToken:       "is for Microsoft Graph: Quay cannot verify it",
	idtoken.NoKeyID:          "has no key ID (kid), so Quay cannot find the key",
	idtoken.Opaque:           "none: the provider sent only an access token that is not a JWT",
	idtoken.WrongTarget:      `was denied: invalid_target "Invalid audience" (HTTP 400)`,
	idtoken.BehindProxy:      "none: the provider at https://issuer.example.com names the address http://issuer.example.com, without https",
	idtoken.Cancelled:        "none: the login was cancelled",
	idtoken.NoLogin:          "none: nobody logged in in time",
	idtoken.PortTaken:        "none: cannot wait for the browser: listen tcp 127.0.0.1:8400: bind: address already in use",
	idtoken.SeveralLines:     "has 2 lines",
	idtoken.WrongAlgorithm:   "is signed with ES256: Quay accepts only RS256 and RS384",
	idtoken.NotOIDC:          "none: there is no OIDC provider at https://issuer.example.com",
	idtoken.OtherIssuer:      "none: the provider at https://issuer.example.com names the issuer https://issuer.example.com/",
	idtoken.NoSuchFlow:       "none: the provider has no device_authorization_endpoint",
	idtoken.WrongClient:      `was denied: invalid_client "Invalid client credentials" (HTTP 401)`,
	idtoken.WrongLogin:       `was denied: invalid_grant "Invalid user credentials" (HTTP 400)`,
	idtoken.FlowForbidden:    `was denied: unauthorized_client "Client not allowed for direct access grants" (HTTP 400)`,
	idtoken.WrongScope:       `was denied: invalid_scope "Invalid scopes: x" (HTTP 400)`,
	idtoken.NotThisLogin:     "is from another login: it has another nonce",
	idtoken.NoSecretThere:    "none: the client's secret is not in the variable OIDC_CLIENT_SECRET",
}

// Each code has a sample that is classified as it.
func TestClassify(t *testing.T) {
	t.Parallel()
	known := samples()
	for _, code := range Codes() {
		err, ok := known[code]
		if !ok {
			t.Errorf("no sample of %s", code)
			continue
		}
		m := Message(sampleRun(code), err)
		want := reasons()[code].exit
		if code == "interrupted" {
			want = 143
		}
		if m.Reason != code || m.Exit != want {
			t.Errorf("%s: classified as %s with exit code %d, want %d", code, cmp.Or(m.Reason, "nothing"), m.Exit, want)
		}
		if m.Page != "" {
			t.Errorf("%s: a page of a program that is not released: %s", code, m.Page)
		}
	}
	for code := range known {
		if _, ok := reasons()[code]; !ok {
			t.Errorf("%s is a sample of no reason", code)
		}
	}
	run := sampleRun("")
	run.Env.Version, run.Env.Repository = "v1.2.3", "OWNER/quay-keyless"
	if got, want := Message(run, context.Canceled).Page, "https://github.com/OWNER/quay-keyless/blob/v1.2.3/docs/troubleshooting.md#error"; got != want {
		t.Errorf("the page is %s, want %s", got, want)
	}
}
