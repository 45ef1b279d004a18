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

// Claims is what a JWT says of itself (RFC 7519), as far as Quay looks at it.
// A claim that is absent or of a wrong type has its zero value, so that Quay
// has the word on it: see [ParseClaims].
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
}

// ParseClaims reads a token's claims without verifying anything: Quay verifies,
// this program only explains. It gives [NotJWT] for what is no JWT in compact
// form (RFC 7515, section 7.1) with a JSON object in it.
func ParseClaims(token Secret) (Claims, error) {
	message, err := jws.Parse([]byte(token.Reveal()), jws.WithCompact())
	if err != nil || strings.ContainsAny(token.Reveal(), " \t\r\n") { // which jws lets pass
		return Claims{}, &Error{Problem: NotJWT, Detail: noSignature(token.Reveal())}
	}
	var payload map[string]json.RawMessage
	if err := json.Unmarshal(message.Payload(), &payload); err != nil || payload == nil {
		return Claims{}, &Error{Problem: NotJWT}
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
	}
	if algorithm, ok := header.Algorithm(); ok {
		claims.Algorithm = algorithm.String()
	}
	claims.KeyID, _ = header.KeyID()
	return claims, nil
}

// noSignature tells what is left where a token was cut at its last dot.
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
