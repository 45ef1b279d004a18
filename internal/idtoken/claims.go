// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
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
	Expiry          time.Time // zero without the claim
	IssuedAt        time.Time // zero without the claim
	Algorithm       string    // of the signature, as RS256
	KeyID           string    // "" if the header has no kid
	// Workflow and JobWorkflow are GitHub's workflow_ref and job_workflow_ref,
	// which differ in a job of a reusable workflow. Quay does not look at them.
	Workflow, JobWorkflow string

	nonce       string // of the login by browser that the token is from
	kind        string // typ, which Keycloak sets, in lower case
	headerNonce bool   // the header has one, as in tokens for Microsoft Graph

	ofKubernetes bool // of a service account
}

// decode reads the header and the payload of a JWT in compact form (RFC 7515, section
// 7.1), and of the signature only that it is base64url.
func decode(token Secret) (header, payload []byte, err error) {
	text := token.Reveal()
	parts := strings.Split(text, ".")
	if len(parts) != 3 || strings.ContainsAny(text, "\r\n") { // which base64 skips
		return nil, nil, fail(NotJWT, "is not a JWT")
	}
	for i, part := range parts {
		decoded, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil, nil, fail(NotJWT, "is not a JWT")
		}
		parts[i] = string(decoded)
	}
	return []byte(parts[0]), []byte(parts[1]), nil
}

// Payload returns a JWT's claims as JSON, unverified.
func Payload(token Secret) ([]byte, error) {
	_, payload, err := decode(token)
	return payload, err
}

// ParseToken reads a token's claims without verifying anything, because Quay verifies
// them. The error is [NotJWT], without claims, unless there are JSON objects in it.
func ParseToken(secret Secret) (Token, error) {
	headerText, payloadText, err := decode(secret)
	if err != nil {
		return Token{Secret: secret}, err
	}
	var header struct {
		Algorithm string          `json:"alg"`
		KeyID     string          `json:"kid"`
		Nonce     json.RawMessage `json:"nonce"`
	}
	var payload map[string]json.RawMessage
	switch {
	case errors.Join(json.Unmarshal(headerText, &header), json.Unmarshal(payloadText, &payload)) != nil || payload == nil:
		return Token{Secret: secret}, fail(NotJWT, "is not a JWT")
	case strings.HasSuffix(secret.Reveal(), ".") && header.Algorithm != "none":
		return Token{Secret: secret}, fail(NotJWT, "was cut off: it has no signature")
	}
	claims := Claims{
		Issuer:      text(payload["iss"]),
		Subject:     text(payload["sub"]),
		Audience:    list(payload["aud"]),
		Expiry:      moment(payload["exp"]),
		IssuedAt:    moment(payload["iat"]),
		Algorithm:   header.Algorithm,
		KeyID:       header.KeyID,
		Workflow:    text(payload["workflow_ref"]),
		JobWorkflow: text(payload["job_workflow_ref"]),
		nonce:       text(payload["nonce"]),
		kind:        strings.ToLower(text(payload["typ"])),
		headerNonce: header.Nonce != nil,

		ofKubernetes: payload["kubernetes.io"] != nil || strings.HasPrefix(text(payload["sub"]), "system:serviceaccount:"),
	}
	return Token{secret, claims}, nil
}

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
