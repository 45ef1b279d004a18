// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"cmp"
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
	Unrecognized   Reason = "unknown-answer"            // unknown words, kept in Message
	BadHeader      Reason = "header-changed"            // the Authorization header is broken, perhaps by a proxy
	InvalidRobot   Reason = "invalid-robot-name"        // the name cannot be a robot's
	NoSuchRobot    Reason = "no-such-robot"             // no robot has that name
	NotFederated   Reason = "no-federation"             // the robot has no federation entry at all
	NoIssuer       Reason = "no-issuer"                 // the ID token names no issuer
	UnknownIssuer  Reason = "issuer-mismatch"           // no federation entry has the ID token's issuer
	WrongSubject   Reason = "subject-mismatch"          // an entry has the issuer, but none also the subject
	WrongAudience  Reason = "audience-mismatch"         // the entry asks for other audiences
	IssuerDiffers  Reason = "issuer-differs"            // the issuer's discovery document names another issuer
	NoKeyID        Reason = "no-key-id"                 // the ID token's header has no kid
	Algorithm      Reason = "wrong-algorithm"           // the ID token is not signed with RS256 or RS384
	BadSignature   Reason = "bad-signature"             // the signature does not verify with the issuer's key
	MissingClaim   Reason = "missing-claim"             // exp, iat or aud is not there
	MalformedClaim Reason = "malformed-claim"           // a claim has a wrong type
	NotYetIssued   Reason = "not-yet-issued"            // iat is ahead of Quay's clock
	IDTokenExpired Reason = "expired-at-quay"           // exp has passed by Quay's clock
	HeaderTooLarge Reason = "header-too-large"          // the ID token is too long for Quay's front
	NoEndpoint     Reason = "no-exchange"               // nothing answers at the exchange's address
	RobotsDisabled Reason = "robots-disabled"           // the registry lets no robot in (ROBOTS_DISALLOW)
	OwnerDisabled  Reason = "owner-disabled"            // the robot's organization or user is disabled
	NotGranted     Reason = "not-granted"               // the robot lacks a permission that was asked for
	BadAPIToken    Reason = "api-token-unknown"         // the API does not know the API token, or got none
	NotAllowed     Reason = "api-token-not-allowed"     // by the API token's user or scopes, or no such namespace
	NoAPI          Reason = "no-api"                    // nothing answers at the API's address: no Quay, or one too old
	ReadOnly       Reason = "read-only"                 // Quay is in read-only mode (REGISTRY_STATE)
	Ambiguous      Reason = "ambiguous-entry"           // two entries have the ID token's issuer and subject
	NotYetValid    Reason = "not-yet-valid"             // nbf is ahead of Quay's clock
	NoOwner        Reason = "no-such-organization"      // there is no such organization or user
	NotOwner       Reason = "api-token-of-another-user" // a person's robot, and another's API token, or no user:admin
	WantsHTTPS     Reason = "wants-https"               // the user wrote http://, and the registry redirects to https
)

// Refusal is a request that Quay or its registry understood and said no to. It
// is never retried.
type Refusal struct {
	Host    string // who said it
	Status  int
	Reason  Reason
	Message string // word for word, or ""
	Page    bool   // the answer was not JSON: something in front of Quay
	// Location is where a redirect pointed, without its query. It was not followed.
	Location string
	Owner    Owner // what the robot's namespace is, if that was asked
	// Robots are all of the namespace, if the robot does not exist and that was asked.
	Robots []string
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

// refusal reads an answer that is not a success: JSON, or a front's page.
func refusal(host string, answer *endpoint.Answer) *Refusal {
	message := wordsOf(answer).text()
	if message == "" {
		message = cmp.Or(title(answer.Body), plain(answer.Body))
	}
	return &Refusal{
		Host:     host,
		Status:   answer.Status,
		Reason:   reason(message),
		Message:  message,
		Page:     !json.Valid(answer.Body),
		Location: answer.Location(),
	}
}

// words are what Quay says in JSON: the exchange message or error, the registry a list of
// errors (OCI distribution specification), and the API a problem (RFC 7807, with fields of
// Quay's) or what its exceptions say.
type words struct {
	Error        string
	Message      string
	Errors       []struct{ Message string }
	ErrorMessage string `json:"error_message"`
	ErrorType    string `json:"error_type"`
	IsReadOnly   bool   `json:"is_readonly"`
}

func wordsOf(answer *endpoint.Answer) (w words) {
	_ = json.Unmarshal(answer.Body, &w) // leaves out what has another type
	return w
}

func (w words) text() string {
	if len(w.Errors) > 0 {
		w.Error = cmp.Or(w.Error, w.Errors[0].Message)
	}
	return cmp.Or(w.ErrorMessage, w.Message, w.Error)
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
