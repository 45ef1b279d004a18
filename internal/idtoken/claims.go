// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jws"
)

// Token is a JWT with its claims. Printing it prints nothing of the secret.
type Token struct {
	Secret
	Claims
}

// Claims are the claims of a JWT (RFC 7519) that Quay reads. An absent claim, or one of
// a wrong type, has its zero value, because Quay decides about it.
type Claims struct {
	Issuer, Subject string
	Audience        []string
	Expiry          time.Time // zero where there is none
	IssuedAt        time.Time // zero where there is none
	Algorithm       string    // of the signature, as RS256
	KeyID           string    // "" where there is none
	// Workflow and JobWorkflow are GitHub's workflow_ref and job_workflow_ref,
	// which differ in a job of a reusable workflow. Quay does not look at them.
	Workflow, JobWorkflow string

	nonce       string // of the login by browser that the token is from
	kind        string // typ, which Keycloak sets, in lower case
	headerNonce bool   // the header has one, as in tokens for Microsoft Graph
	// ofKubernetes: of a service account.
	ofKubernetes bool
}

// ParseToken reads a token's claims without verifying anything, because Quay verifies
// them. The error is [NotJWT], without claims, unless the text is a JWT in compact form
// (RFC 7515, section 7.1) with a JSON object in it.
func ParseToken(secret Secret) (Token, error) {
	message, err := jws.Parse([]byte(secret.Reveal()), jws.WithCompact())
	if err != nil || strings.ContainsAny(secret.Reveal(), " \t\r\n") { // which jws accepts
		return Token{Secret: secret}, &Error{Problem: NotJWT, Detail: noSignature(secret.Reveal())}
	}
	var payload map[string]json.RawMessage
	if err := json.Unmarshal(message.Payload(), &payload); err != nil || payload == nil {
		return Token{Secret: secret}, &Error{Problem: NotJWT}
	}
	header := message.Signatures()[0].ProtectedHeaders()
	claims := Claims{
		Issuer:   text(payload["iss"]),
		Subject:  text(payload["sub"]),
		Audience: list(payload["aud"]),
		Expiry:   moment(payload["exp"]),
		IssuedAt: moment(payload["iat"]),

		Workflow:    text(payload["workflow_ref"]),
		JobWorkflow: text(payload["job_workflow_ref"]),

		nonce:       text(payload["nonce"]),
		kind:        strings.ToLower(text(payload["typ"])),
		headerNonce: header.Has("nonce"),

		ofKubernetes: payload["kubernetes.io"] != nil || strings.HasPrefix(text(payload["sub"]), "system:serviceaccount:"),
	}
	if algorithm, ok := header.Algorithm(); ok {
		claims.Algorithm = algorithm.String()
	}
	claims.KeyID, _ = header.KeyID()
	return Token{secret, claims}, nil
}

// noSignature describes a token that was cut at its last dot.
func noSignature(text string) string {
	if strings.Count(text, ".") == 2 && strings.HasSuffix(text, ".") {
		return "has no signature: it was cut on its way"
	}
	return ""
}

// Payload returns a JWT's claims as JSON, unverified.
func Payload(token Secret) ([]byte, error) {
	message, err := jws.Parse([]byte(token.Reveal()), jws.WithCompact())
	if err != nil {
		return nil, &Error{Problem: NotJWT}
	}
	return message.Payload(), nil
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// list reads a claim that may be one string or several (RFC 7519, 4.1.3).
func list(raw json.RawMessage) []string {
	if one := text(raw); one != "" {
		return []string{one}
	}
	var several []string
	if json.Unmarshal(raw, &several) != nil {
		return nil
	}
	return several
}

// moment reads a NumericDate (RFC 7519, section 2).
func moment(raw json.RawMessage) time.Time {
	var seconds float64
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, &seconds) != nil {
		return time.Time{}
	}
	const year9999 = 253402300799
	if seconds < 0 || seconds > year9999 {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9))
}
