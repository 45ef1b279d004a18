// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// exchangePath is Quay's federation endpoint.
const exchangePath = "/oauth2/federation/robot/token"

// headerLine is the longest header line that Quay's front accepts: 8192 bytes with its
// end.
const headerLine = 8192

// LongestLife limits how long a robot token counts, whatever its expiry says. Quay
// issues them for an hour.
const LongestLife = 24 * time.Hour

// IDToken returns the ID token to send, a new one if the last has expired. It is called
// for every attempt.
type IDToken func(context.Context) (idtoken.Secret, error)

// Exchange sends an ID token to Quay and returns the robot token. AccessToken is the
// robot's password at the registry. Expiry is read from it, by the registry's clock, and
// is at most [LongestLife] away. A token for another robot, or an expired one, is
// [*endpoint.Unbelievable].
//
// The errors are [*Refusal], [*endpoint.Unreachable], [*endpoint.Unbelievable],
// [*idtoken.Error] with TooLong before anything is sent, and those of idToken.
func (c *Client) Exchange(ctx context.Context, robot Robot, idToken IDToken) (*oauth2.Token, error) {
	defer c.Endpoint.WaitFor(c.Registry.Host + " to exchange the ID token")()
	name := "the exchange at " + c.Registry.Host
	answer, err := c.ask(ctx, name, func(ctx context.Context) (*http.Request, error) {
		token, err := idToken(ctx)
		if err != nil {
			return nil, err
		}
		credential := basic(robot, token)
		if length := len("Authorization: ") + len(credential) + len("\r\n"); length > headerLine {
			return nil, &idtoken.Error{
				Problem: idtoken.TooLong,
				Detail:  fmt.Sprintf("the ID token has %d bytes, too many for the header that carries it to Quay", len(token.Reveal())),
			}
		}
		return get(c.Registry.url(exchangePath), credential), nil
	})
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, c.refused(ctx, robot, answer)
	}
	return c.robotToken(name, robot, answer)
}

// basic is the credential of HTTP basic authentication (RFC 7617).
func basic(robot Robot, password idtoken.Secret) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(robot.String()+":"+password.Reveal()))
}

// refused reads an exchange that is no success.
func (c *Client) refused(ctx context.Context, robot Robot, answer *endpoint.Answer) error {
	r := refusal(c.Registry.Host, answer)
	switch {
	case r.Reason == NoSuchRobot, r.Reason == NotFederated, r.Reason == UnknownIssuer, r.Reason == WrongSubject:
		if r.Owner = c.Owner(ctx, robot.Namespace); r.Reason == NoSuchRobot && r.Owner == Nobody {
			r.Reason = NoOwner
		}
	case c.Registry.PlainHTTP && strings.HasPrefix(r.Location, "https://"):
		r.Reason = WantsHTTPS
	case answer.Status == http.StatusRequestHeaderFieldsTooLarge,
		answer.Status == http.StatusBadRequest && strings.Contains(r.Message, "Header Or Cookie Too Large"):
		r.Reason = HeaderTooLarge
	case r.Reason == Unrecognized && (answer.Status == http.StatusNotFound || answer.Status == http.StatusPermanentRedirect && strings.HasSuffix(r.Location, exchangePath+"/")):
		r.Reason = NoEndpoint
	case answer.Status < 300:
		return &endpoint.Unbelievable{Name: "the exchange at " + c.Registry.Host, Why: fmt.Sprintf("answered with HTTP %d in place of a robot token", answer.Status)}
	}
	return r
}

// robotToken reads the robot token from a success, and checks that it is one for this
// robot and not expired.
func (c *Client) robotToken(name string, robot Robot, answer *endpoint.Answer) (*oauth2.Token, error) {
	odd := func(format string, args ...any) (*oauth2.Token, error) {
		return nil, &endpoint.Unbelievable{Name: name, Why: fmt.Sprintf(format, args...)}
	}
	var body struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(answer.Body, &body); err != nil {
		return odd("answered with %s in place of a robot token", kind(answer))
	}
	if body.Token == "" {
		return odd("answered without a robot token")
	}
	claims, err := idtoken.ParseToken(idtoken.NewSecret(body.Token))
	switch {
	case err != nil:
		return odd("answered with a robot token that is not a JWT")
	case claims.Subject != robot.String():
		return odd("answered with a token for %q", claims.Subject)
	case claims.Expiry.IsZero():
		return odd("answered with a robot token without an expiry")
	case !c.Now().Before(claims.Expiry):
		return odd("answered with a robot token that expired at %s", claims.Expiry.UTC().Format(time.RFC3339))
	}
	expiry := claims.Expiry
	if latest := c.Now().Add(LongestLife); expiry.After(latest) {
		expiry = latest
	}
	return &oauth2.Token{AccessToken: body.Token, Expiry: expiry}, nil
}

// kind names what an answer holds instead of what was asked for.
func kind(answer *endpoint.Answer) string {
	words := title(answer.Body)
	switch {
	case len(answer.Body) == 0:
		return "nothing"
	case words != "":
		return fmt.Sprintf("the page %q", words)
	case json.Valid(answer.Body):
		return "other JSON"
	}
	return fmt.Sprintf("%d bytes that are no JSON object", len(answer.Body))
}
