// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
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

	ofKubernetes bool // of a service account
}

// parse reads a JWT in compact form (RFC 7515, section 7.1).
func parse(secret Secret) (*jws.Message, error) {
	text := secret.Reveal()
	message, err := jws.Parse([]byte(text), jws.WithCompact())
	switch {
	case err == nil && !strings.ContainsAny(text, " \t\r\n"): // which jws accepts
		return message, nil
	case strings.Count(text, ".") == 2 && strings.HasSuffix(text, "."):
		return nil, fail(NotJWT, "was cut off: it has no signature")
	}
	return nil, fail(NotJWT, "is not a JWT")
}

// Payload returns a JWT's claims as JSON, unverified.
func Payload(token Secret) ([]byte, error) {
	message, err := parse(token)
	if err != nil {
		return nil, err
	}
	return message.Payload(), nil
}

// ParseToken reads a token's claims without verifying anything, because Quay verifies
// them. The error is [NotJWT], without claims, unless there is a JSON object in it.
func ParseToken(secret Secret) (Token, error) {
	message, err := parse(secret)
	if err != nil {
		return Token{Secret: secret}, err
	}
	var payload map[string]json.RawMessage
	if err := json.Unmarshal(message.Payload(), &payload); err != nil || payload == nil {
		return Token{Secret: secret}, fail(NotJWT, "is not a JWT")
	}
	header := message.Signatures()[0].ProtectedHeaders()
	claims := Claims{
		Issuer:      text(payload["iss"]),
		Subject:     text(payload["sub"]),
		Audience:    list(payload["aud"]),
		Expiry:      moment(payload["exp"]),
		IssuedAt:    moment(payload["iat"]),
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

// text reads a string; "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// list reads a claim that may be one string or several (RFC 7519, 4.1.3).
func list(raw json.RawMessage) []string {
	var several []string
	if one := text(raw); one != "" {
		return []string{one}
	} else if json.Unmarshal(raw, &several) != nil {
		return nil
	}
	return several
}

// moment reads a NumericDate (RFC 7519, section 2).
func moment(raw json.RawMessage) time.Time {
	const year9999 = 253402300799
	var seconds *float64
	if json.Unmarshal(raw, &seconds) != nil || seconds == nil || *seconds < 0 || *seconds > year9999 {
		return time.Time{}
	}
	whole, fraction := math.Modf(*seconds)
	return time.Unix(int64(whole), int64(fraction*1e9))
}
