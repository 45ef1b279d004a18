// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/quay"
	"quay-keyless/internal/sandbox"
)

// contractCase is one situation that this client can meet at a Quay. Its texts
// may hold the placeholders of [names], as <robot> and <issuers>.
type contractCase struct {
	name string
	// release is the only one that answers so; "" means both of [releases].
	release string
	// recorded is the case's name in testdata/quay/replies.json.
	recorded string

	// token is the ID token; the issuer is a mode, "good" if empty, and a claim
	// that is a [time.Duration] counts from now.
	token sandbox.Token
	// spoil is what becomes of the token on its way to the program.
	spoil func(idToken string) string
	robot string // "<robot>" if empty
	check string // the argument of --check
	// http is true for a user who writes http:// before the host.
	http bool
	// between is what stands between this client and Quay.
	between between

	// needs says what a Quay must be or have for this case beyond robots,
	// repositories and issuers. A sandbox is made so by the two that follow.
	needs     string
	configure func(*sandbox.Config)
	faults    []sandbox.Fault

	// exchange is Quay's answer to the ID token, asked directly.
	exchange answer
	// auth is the registry's answer to the robot token, if that is the point;
	// to registryToken in its place, if there is one.
	auth          answer
	registryToken *sandbox.Token

	exit      int
	exchanges int // requests that the program sends to the exchange
	// reason is what the program reads off a refusal (exit code 4).
	reason quay.Reason
}

// answer is what comes back: a body of JSON as it is, of a page its title.
type answer struct {
	status int
	body   string
}

// releases are those whose answers differ.
var releases = []string{"3.18", "3.16.2"}

func (c contractCase) releases() []string {
	if c.release != "" {
		return []string{c.release}
	}
	return releases
}

// issuer is the mode that the case needs.
func (c contractCase) issuer() string { return cmp.Or(c.token.Issuer, "good") }

// missing says what a Quay lacks for this case; "" means nothing.
func (c contractCase) missing(q *contractQuay) string {
	switch {
	case !slices.Contains(c.releases(), q.release):
		return "the release " + c.release
	case q.modes == nil: // a sandbox is made as needed
		return ""
	case c.needs != "" && !slices.Contains(q.states, c.needs):
		return c.needs
	case len(q.states) > 0 && c.needs == "": // whose answer the state changes
		return "a Quay without " + strings.Join(q.states, " and ")
	case !slices.Contains(q.modes, c.issuer()):
		return "an issuer " + c.issuer()
	}
	for placeholder, value := range q.names {
		if value == "" && strings.Contains(c.robot+c.check, placeholder) {
			return "a " + strings.Trim(placeholder, "<>")
		}
	}
	return ""
}

// claims is an ID token with some claims set to other values, nil for none.
func claims(pairs ...any) sandbox.Token {
	changes := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		changes[pairs[i].(string)] = pairs[i+1]
	}
	return sandbox.Token{Claims: changes}
}

// header is the same for the header.
func header(name string, value any) sandbox.Token {
	return sandbox.Token{Header: map[string]any{name: value}}
}

func from(issuer string) sandbox.Token      { return sandbox.Token{Issuer: issuer} }
func signed(algorithm string) sandbox.Token { return sandbox.Token{Alg: algorithm} }

// null is a claim that is there and is nothing.
var null = json.RawMessage("null")

const ago = -time.Second

var (
	accepted      = answer{http.StatusOK, `{"token":"<JWT>"}`}
	internalError = answer{http.StatusInternalServerError, "page: Internal Server Error"}
	loading       = answer{http.StatusBadGateway, "page: Quay Loading"}
)

// says is a refusal of the exchange, encoded as Quay does.
func says(message string) answer {
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]string{"message": message}); err != nil {
		panic(err)
	}
	return answer{http.StatusBadRequest, strings.TrimSuffix(body.String(), "\n")}
}

// taken is an ID token with which the login succeeds.
func taken(name, recorded string, token sandbox.Token) contractCase {
	return contractCase{name: name, recorded: recorded, token: token, exchange: accepted, exchanges: 1}
}

// refused is an ID token to which Quay says no, with words.
func refused(name, recorded string, token sandbox.Token, reason quay.Reason, message string) contractCase {
	return contractCase{name: name, recorded: recorded, token: token, exchange: says(message), exit: 4, exchanges: 1, reason: reason}
}

// invalid is the same for the words of Quay's token library.
func invalid(name, recorded string, token sandbox.Token, reason quay.Reason, message string) contractCase {
	return refused(name, recorded, token, reason, "Invalid token: "+message)
}

// trouble is an ID token that makes Quay fail with a 500, which is tried thrice.
func trouble(name, recorded string, token sandbox.Token) contractCase {
	return contractCase{name: name, recorded: recorded, token: token, exchange: internalError, exit: 5, exchanges: 3}
}

// unreached is an issuer that Quay does not reach: its front says 502, which is
// tried five times.
func unreached(name, recorded, issuer string) contractCase {
	return contractCase{name: name, recorded: recorded, token: from(issuer), exchange: loading, exit: 5, exchanges: 5,
		configure: func(config *sandbox.Config) { config.DiscoveryTimeout = time.Millisecond }}
}

// stopped is an ID token that the program does not send.
func stopped(name, recorded string, token sandbox.Token, spoil func(string) string, direct answer) contractCase {
	return contractCase{name: name, recorded: recorded, token: token, spoil: spoil, exchange: direct, exit: 3}
}

// only limits a case to one release.
func only(release string, c contractCase) contractCase {
	c.release = release
	return c
}

// with gives a case a Quay that is not as usual.
func with(needs string, configure func(*sandbox.Config), c contractCase) contractCase {
	c.needs, c.configure = needs, configure
	return c
}
