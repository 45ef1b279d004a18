// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"quay-keyless/internal/endpoint"
)

// Reason is why Quay or its registry refused, as far as its words tell: a stable code, see
// package explain.
type Reason string

// The reasons. Quay's words for each are in the table below.
const (
	// Unrecognized: words that this program does not know. It keeps them.
	Unrecognized Reason = "unknown-answer"
	// BadHeader: the request's Authorization was not understood, which this
	// program or something between it and Quay would have to mend.
	BadHeader Reason = "header-changed"
	// InvalidRobot: the name is not one of a robot.
	InvalidRobot Reason = "invalid-robot-name"
	// NoSuchRobot: no robot has that name.
	NoSuchRobot Reason = "no-such-robot"
	// NotFederated: the robot has no federation entry at all.
	NotFederated Reason = "no-federation"
	// NoIssuer: the ID token names no issuer.
	NoIssuer Reason = "no-issuer"
	// UnknownIssuer: no federation entry has the ID token's issuer.
	UnknownIssuer Reason = "issuer-mismatch"
	// WrongSubject: an entry has the issuer, none with it the subject.
	WrongSubject Reason = "subject-mismatch"
	// WrongAudience: the entry asks for other audiences.
	WrongAudience Reason = "audience-mismatch"
	// IssuerDiffers: the issuer's discovery document names another issuer.
	IssuerDiffers Reason = "issuer-differs"
	// NoKeyID: the ID token's header has no kid.
	NoKeyID Reason = "no-key-id"
	// Algorithm: the ID token is signed with something else than RS256 or RS384.
	Algorithm Reason = "wrong-algorithm"
	// BadSignature: the signature does not verify with the issuer's key.
	BadSignature Reason = "bad-signature"
	// MissingClaim: exp, iat or aud is not there.
	MissingClaim Reason = "missing-claim"
	// MalformedClaim: a claim has a wrong type.
	MalformedClaim Reason = "malformed-claim"
	// NotYetIssued: iat is ahead of Quay's clock.
	NotYetIssued Reason = "not-yet-issued"
	// IDTokenExpired: exp has passed by Quay's clock.
	IDTokenExpired Reason = "expired-at-quay"
	// HeaderTooLarge: the ID token is too long for Quay's front.
	HeaderTooLarge Reason = "header-too-large"
	// NoEndpoint: nothing answers at the federation endpoint's address.
	NoEndpoint Reason = "no-exchange"
	// RobotsDisabled: the registry lets no robot in (ROBOTS_DISALLOW).
	RobotsDisabled Reason = "robots-disabled"
	// OwnerDisabled: the robot's organization or user is disabled.
	OwnerDisabled Reason = "owner-disabled"
	// NotGranted: the robot lacks a permission that was asked for.
	NotGranted Reason = "not-granted"
	// BadAPIToken: Quay's API does not know the API token, or got none.
	BadAPIToken Reason = "api-token-unknown"
	// NotAllowed: the API token's user or its scopes do not allow it, or there
	// is no such organization or user: the API says the same to all of these.
	NotAllowed Reason = "api-token-not-allowed"
	// NoAPI: nothing answers at the API's address: no Quay, or one too old.
	NoAPI Reason = "no-api"
	// ReadOnly: Quay is in read-only mode (REGISTRY_STATE).
	ReadOnly Reason = "read-only"
	// Ambiguous: two entries have the ID token's issuer and subject.
	Ambiguous Reason = "ambiguous-entry"
	// NotYetValid: nbf is ahead of Quay's clock.
	NotYetValid Reason = "not-yet-valid"
	// NoOwner: there is no such organization or user.
	NoOwner Reason = "no-such-organization"
	// NotOwner: the robot is a person's, and the API token is another's or lacks the scope
	// user:admin.
	NotOwner Reason = "api-token-of-another-user"
	// WantsHTTPS: the user wrote http://, and the registry redirects to https.
	WantsHTTPS Reason = "wants-https"
)

// Refusal is a request that Quay or its registry understood and said no to. It
// is never retried.
type Refusal struct {
	// Host is who said it.
	Host    string
	Status  int
	Reason  Reason
	Message string // word for word; "" where there were no words
	// Page is true where the answer was no JSON: something in front of Quay.
	Page bool
	// Location is where a redirect pointed, without its query. It was not followed.
	Location string
	// Owner is what the robot's namespace is, where that was asked.
	Owner Owner
	// State is that of the repository to which no push was granted, as MIRROR; "" if Quay
	// does not tell. Nobody can push to one that is not NORMAL.
	State string
}

// Error quotes Quay.
func (r *Refusal) Error() string {
	switch {
	case r.Reason == NoEndpoint:
		return fmt.Sprintf("%s has no robot federation endpoint (HTTP %d)", r.Host, r.Status)
	case r.Reason == HeaderTooLarge:
		return fmt.Sprintf("%s found the request's header too large (HTTP %d)", r.Host, r.Status)
	case r.Reason == NotGranted:
		return r.Message
	case r.Reason == NoAPI:
		return fmt.Sprintf("%s has no API for the federation of robot accounts (HTTP %d)", r.Host, r.Status)
	case r.Location != "":
		return fmt.Sprintf("%s redirects to %q (HTTP %d), which is not followed with a credential", r.Host, r.Location, r.Status)
	case r.Message == "":
		return fmt.Sprintf("%s refused with HTTP %d %s", r.Host, r.Status, http.StatusText(r.Status))
	}
	return fmt.Sprintf("%s refused: %q (HTTP %d)", r.Host, r.Message, r.Status)
}

// known is how Quay's words begin in 3.13 to 3.18, from answers and from its source. The
// first match counts.
var known = []struct {
	prefix string
	reason Reason
}{
	{"No auth header", BadHeader},
	{"Invalid basic auth header", BadHeader},
	{"Could not parse basic auth header", BadHeader},
	{"Unexpected number of credentials", BadHeader},
	{"Invalid robot", InvalidRobot},
	{"Could not find robot with specified username", NoSuchRobot},
	{"Robot does not have federated login configured", NotFederated},
	{"Token does not contain issuer", NoIssuer},
	{"Token does not match robot", WrongSubject},
	{"Token audience is not allowed", WrongAudience},
	{"Invalid token: Audience doesn't match", WrongAudience},
	{"Ambiguous federation binding", Ambiguous},
	{"Invalid token: Issuer '", IssuerDiffers},
	{"Invalid token: Invalid issuer", IssuerDiffers},
	{"Invalid token: Missing `kid` header", NoKeyID},
	{"Invalid token: The specified alg value is not allowed", Algorithm},
	{"Invalid token: Signature verification failed", BadSignature},
	{"Invalid token: Token is missing the", MissingClaim},
	{"Invalid token: Issued At claim (iat) cannot be in the future", NotYetIssued},
	{"Invalid token: The token is not yet valid", NotYetValid},
	{"Invalid token: Signature has expired", IDTokenExpired},
	{"Invalid token: Invalid claim format", MalformedClaim},
	{"Invalid token: Issued At claim (iat) must be", MalformedClaim},
	{"Invalid token: Expiration Time claim (exp) must be", MalformedClaim},
	{"Invalid token: Not Before claim (nbf) must be", MalformedClaim},
	{"Invalid token: Subject must be", MalformedClaim},
	{"Invalid token: JWT ID must be", MalformedClaim},
	{"Invalid token: Key ID header parameter must be", NoKeyID},
	{"Robot account have been disabled", RobotsDisabled},  // the registry
	{"Robot accounts have been disabled", RobotsDisabled}, // the API
	{noOrganization, NoOwner},
}

// noOrganization begins the API's words for an organization that does not exist, and for
// a person where only an organization can be.
const noOrganization = "Organization does not exist"

// reason reads Quay's words.
func reason(message string) Reason {
	for _, row := range known {
		if strings.HasPrefix(message, row.prefix) {
			return row.reason
		}
	}
	switch {
	case strings.HasPrefix(message, "issuer ") && strings.HasSuffix(message, " not configured for this robot"):
		return UnknownIssuer
	case strings.HasPrefix(message, "Robot ") && strings.HasSuffix(message, " is disabled"):
		return OwnerDisabled
	}
	return Unrecognized
}

// refusal reads an answer of the exchange or of the registry's token endpoint
// that is no success: JSON with error, message or errors, or a front's page.
func refusal(host string, answer *endpoint.Answer) *Refusal {
	message := message(answer.Body)
	return &Refusal{
		Host:     host,
		Status:   answer.Status,
		Reason:   reason(message),
		Message:  message,
		Page:     !json.Valid(answer.Body),
		Location: answer.Location(),
	}
}

// message finds Quay's own words: the exchange says {"message"} or {"error"},
// the registry {"errors": [{"message"}]} (OCI distribution specification).
func message(body []byte) string {
	var words struct {
		Error   string `json:"error"`
		Message string `json:"message"`
		Errors  []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(body, &words) // what has another type is left out, the rest is there
	switch {
	case words.Message != "":
		return words.Message
	case words.Error != "":
		return words.Error
	case len(words.Errors) > 0:
		return words.Errors[0].Message
	}
	if words := title(body); words != "" {
		return words
	}
	return plain(body)
}

// plain is a body that is not a page: unknown words, kept as they are.
func plain(body []byte) string {
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") || !utf8.ValidString(text) || text == "{}" || text == "[]" || text == "null" {
		return ""
	}
	return text
}

// titled is a page's title; fronts write the tag in either case.
var titled = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// title is what a page of HTML calls itself, the only words in a front's
// refusal that mean something.
func title(body []byte) string {
	found := titled.FindSubmatch(body)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(html.UnescapeString(string(found[1])))
}
