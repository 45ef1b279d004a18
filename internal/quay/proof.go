// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"quay-keyless/internal/ascii"
	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// ErrNoProof is the error of a registry whose challenge names no safe place for the
// robot token: it is not Bearer, or leads to another host or scheme than the user chose.
var ErrNoProof = errors.New("the login cannot be proved")

// Login is a robot token that may or may not be accepted by the registry.
type Login struct {
	Robot Robot
	Token idtoken.Secret
}

// Prove shows the robot token to the registry's token endpoint, as every tool does
// before it pulls or pushes. Quay's exchange accepts even robots that its registry
// rejects. The errors are [*Refusal], [*endpoint.Unreachable], [*endpoint.Unbelievable]
// and [ErrNoProof].
func (c *Client) Prove(ctx context.Context, challenge Challenge, login Login) error {
	defer c.Endpoint.WaitFor(c.Registry.Host + " to accept the login")()
	_, err := c.bearer(ctx, challenge, login, "")
	return err
}

// Check asks whether the login may pull from or push to a repository. It asks for pull
// first, and for push only if pull was granted: a real Quay creates a missing repository
// if a robot that may create asks for push. The error for a missing permission is a
// [*Refusal] with NotGranted; other errors are those of [Client.Prove].
func (c *Client) Check(ctx context.Context, challenge Challenge, login Login, permission Permission) error {
	actions := []string{"pull"}
	if permission.Action == "push" {
		actions = append(actions, "push")
	}
	for _, action := range actions {
		bearer, err := c.bearer(ctx, challenge, login, "repository:"+permission.Repository+":"+action)
		if err != nil {
			return err
		}
		granted, err := granted(bearer, permission.Repository)
		if err != nil {
			return &endpoint.Unbelievable{Name: c.tokenEndpoint(), Why: err.Error()}
		}
		if !slices.Contains(granted, action) {
			refusal := &Refusal{
				Host: c.Registry.Host, Status: http.StatusOK, Reason: NotGranted,
				Message: fmt.Sprintf("%s grants %s no %s on %s", c.Registry.Host, login.Robot, action, permission.Repository),
			}
			if action == "push" { // pull was granted
				refusal.State = c.RepositoryState(ctx, permission.Repository)
			}
			return refusal
		}
	}
	return nil
}

func (c *Client) tokenEndpoint() string {
	return "the token endpoint of " + c.Registry.Host
}

// bearer gets the registry's own token for a scope, or for none.
func (c *Client) bearer(ctx context.Context, challenge Challenge, login Login, scope string) (string, error) {
	realm, err := c.realm(challenge)
	if err != nil {
		return "", err
	}
	query := realm.Query()
	query.Set("service", challenge.Service)
	if scope != "" {
		query.Set("scope", scope)
	}
	realm.RawQuery = query.Encode()
	answer, err := c.ask(ctx, c.tokenEndpoint(), func(context.Context) (*http.Request, error) {
		return get(realm, basic(login.Robot, login.Token)), nil
	})
	if err != nil {
		return "", err
	}
	if answer.Status != http.StatusOK {
		return "", refusal(c.Registry.Host, answer)
	}
	var body struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || body.Token+body.AccessToken == "" {
		return "", &endpoint.Unbelievable{Name: c.tokenEndpoint(), Why: "answered with " + kind(answer) + " in place of a token"}
	}
	return cmp.Or(body.Token, body.AccessToken), nil
}

// realm is where the token goes: only to the registry's own host name, by the
// scheme that the user chose, whatever the challenge says.
func (c *Client) realm(challenge Challenge) (*url.URL, error) {
	switch challenge.Scheme {
	case "bearer":
	case "":
		return nil, fmt.Errorf("%w: %s asks for no credential", ErrNoProof, c.Registry.Host)
	default:
		return nil, fmt.Errorf("%w: %s asks for %q, not for Bearer", ErrNoProof, c.Registry.Host, challenge.Scheme)
	}
	realm, err := url.Parse(challenge.Realm)
	if err != nil || realm.Host == "" {
		return nil, fmt.Errorf("%w: %s names no token endpoint", ErrNoProof, c.Registry.Host)
	}
	if err := ascii.Check(realm.Host); err != nil {
		return nil, fmt.Errorf("%w: the token endpoint of %s is at %+q: %w", ErrNoProof, c.Registry.Host, realm.Host, err)
	}
	own := c.Registry.url("")
	if !strings.EqualFold(realm.Hostname(), own.Hostname()) || realm.Scheme != own.Scheme {
		return nil, fmt.Errorf("%w: the token endpoint of %s is at %s://%s", ErrNoProof, c.Registry.Host, realm.Scheme, realm.Host)
	}
	return realm, nil
}

// granted reads the actions that a registry's token carries for a repository
// (distribution specification, token: the access claim).
func granted(bearer, repository string) ([]string, error) {
	payload, err := idtoken.Payload(idtoken.NewSecret(bearer))
	var claims struct {
		Access []struct {
			Type, Name string
			Actions    []string
		} `json:"access"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return nil, errors.New("answered with a token whose permissions cannot be read")
	}
	var actions []string
	for _, access := range claims.Access {
		if access.Type == "repository" && access.Name == repository {
			actions = append(actions, access.Actions...)
		}
	}
	return actions, nil
}
