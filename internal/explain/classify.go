// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// classify reads what an error is, once.
func classify(run *process.Run, err error) *facts {
	f := &facts{run: run, err: err, code: otherError}
	var (
		interrupted *process.Interrupted
		explained   platform.Explained
		usage       *request.UsageError
		lost        *federation.LostAudiences
		refused     *login.RefusedIDToken
		rejected    *login.RefusedLogin
	)
	if errors.As(err, &explained) && !errors.As(err, &interrupted) { // a signal can end a wait for a lock
		m := platform.MessageOf(err)
		f.given = &m
	}
	switch {
	case errors.As(err, &interrupted):
		f.code = "interrupted"
	case f.given != nil && f.given.Reason != "":
		f.code = f.given.Reason
	case errors.As(err, &usage):
		f.code = "usage"
	case errors.As(err, &f.api):
		f.target = f.api.Target
		f.code = f.answered()
	case errors.As(err, &lost):
		f.target, f.code = lost.Target, "audiences-lost"
	case errors.As(err, &f.noToken):
		f.code = string(f.noToken.Problem)
	case errors.As(err, &refused):
		f.target, f.source, f.claims, f.verified = refused.Target, refused.Source, refused.Claims, refused.Verified
		f.code = f.exchanged()
	case errors.As(err, &rejected):
		f.target, f.claims, f.permission = rejected.Target, rejected.Claims, rejected.Permission
		f.code = f.proved()
	default:
		f.fromSource = errors.As(err, new(*idtoken.Unanswered))
		f.code = f.answered()
	}
	return f
}

// answered is the reason of an endpoint's answer, or of none.
func (f *facts) answered() string {
	var otherwise *quay.StoredOtherwise
	var failure *quay.Failure
	if errors.As(f.err, &failure) {
		f.state = failure.State
	}
	switch {
	case len(f.state.Failing) > 0 && errors.As(f.err, &f.unreachable):
		return "quay-failing"
	case errors.As(f.err, &f.refusal):
		return cmp.Or(string(f.refusal.Reason), string(quay.Unrecognized))
	case errors.As(f.err, &otherwise):
		return "stored-otherwise"
	case errors.As(f.err, new(*quay.Overwritten)):
		return "overwritten"
	case errors.As(f.err, &f.unreachable):
		return unreached(f.unreachable)
	case errors.As(f.err, new(*endpoint.Unbelievable)):
		return "wrong-answer"
	}
	return otherError
}

// exchanged is the reason of an exchange that failed.
func (f *facts) exchanged() string {
	code := f.answered()
	switch {
	case code == string(quay.WrongSubject):
		if _, _, ok := idtoken.ForkMergeRequest(f.run.Env.Getenv); ok {
			return "fork-merge-request"
		}
	case f.unreachable == nil, code == "quay-failing":
	case f.unreachable.Answer() == nil && endpoint.TimedOut(f.unreachable.Err): // the ping was answered, so it is Quay that waits
		return "issuer-slow"
	case f.unreachable.Answer() == nil && endedByFront(f.unreachable.Err):
		return "header-too-long"
	case f.unreachable.Answer() != nil:
		return cmp.Or(map[int]string{
			http.StatusGatewayTimeout:      "issuer-slow",
			http.StatusBadGateway:          "issuer-not-reached",
			http.StatusServiceUnavailable:  "issuer-not-reached",
			http.StatusInternalServerError: "quay-error",
		}[f.unreachable.Answer().Status], code)
	}
	return code
}

// proved is the reason of a robot token that the registry rejects.
func (f *facts) proved() string {
	code := f.answered()
	switch {
	case code == "quay-failing":
	case code == string(quay.NotGranted) && f.refusal.State != "" && f.refusal.State != "NORMAL":
		return "read-only-repository"
	case errors.Is(f.err, quay.ErrNoProof):
		return "no-proof"
	case code == string(quay.NoSuchRobot):
		return "robot-deleted"
	case f.refusal != nil && code == string(quay.Unrecognized) && f.refusal.Status == http.StatusUnauthorized:
		return "header-changed"
	case f.refusal != nil && code == string(quay.Unrecognized):
		return "robot-token-refused"
	case f.unreachable != nil && f.unreachable.Answer() != nil && f.unreachable.Answer().Status == http.StatusInternalServerError:
		return "registry-error"
	}
	return code
}

// unreached is why an endpoint was not reached.
func unreached(u *endpoint.Unreachable) string {
	var operation *net.OpError
	switch {
	case errors.As(u.Err, &operation) && operation.Op == "proxyconnect":
		return "proxy-not-reached"
	case errors.As(u.Err, new(*endpoint.NoRoots)):
		return "no-ca-certificates"
	case errors.As(u.Err, new(x509.UnknownAuthorityError)):
		return "unknown-ca"
	case endpoint.NotTrusted(u.Err):
		return "certificate-invalid"
	case endpoint.NoTLS(u.Err):
		return "no-tls"
	case errors.As(u.Err, new(*net.DNSError)):
		return "host-unknown"
	case u.Answer() != nil && u.Answer().Status == http.StatusTooManyRequests:
		return "rate-limited"
	case u.Answer() != nil:
		return "failing"
	case endpoint.TimedOut(u.Err):
		return "timed-out"
	}
	return "not-reached"
}

// endedByFront reports nginx refusing a long header over HTTP/2: it ends the stream or
// the connection. net/http has no type for that.
func endedByFront(err error) bool {
	words := err.Error()
	return strings.Contains(words, "stream error: ") || strings.Contains(words, "ENHANCE_YOUR_CALM")
}
