// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// API is Quay's management API. An API token is an OAuth access token that Quay
// issues. The errors are
//
//   - [*Refusal] with [BadAPIToken], [NotAllowed], [NoSuchRobot], [NoOwner], [NotOwner],
//     [RobotsDisabled], [NoAPI], [ReadOnly], or [Unrecognized] and Quay's words,
//   - [*endpoint.Unreachable], in a [*Failure] after a 5xx, and [*endpoint.Unbelievable],
//   - the cause of a cancelled ctx.
//
// They quote the server, which may repeat the API token. It is safe for concurrent use.
type API struct {
	*Client // with the API token

	mu       sync.Mutex
	known    string      // the API token's own user, once Quay told
	personal atomic.Bool // the own user's robots need the personal address
}

// maxList is room for a list of 20,000 robots.
const maxList = 16 << 20

// NewAPI is the API of the registry that the client speaks with.
func NewAPI(client *Client, token idtoken.Secret) *API {
	asked := *client.Endpoint
	asked.Definite = readOnly
	asked.MaxBody = maxList
	return &API{Client: &Client{Registry: client.Registry, Endpoint: &asked, apiToken: token}}
}

// user asks who the API token's user is, until Quay tells. A token without the scope
// user:read or user:admin may not ask.
func (a *API) user(ctx context.Context) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == "" {
		user, _ := read[struct{ Username string }](ctx, a, "/api/v1/user/", "a user")
		a.known = user.Username
	}
	return a.known
}

// name is how messages call the API.
func (a *API) name() string { return "the API of " + a.Registry.Host }

// WaitFor tells the user what the program waits for at the API, until end is called.
func (a *API) WaitFor(what func() string) (end func()) {
	return a.Endpoint.WaitForMore(func() string { return a.Registry.Host + " " + what() })
}

// request is one question to the API. Path may have a query. Body is nil, or becomes JSON.
func (a *API) request(method, path string, body any) *http.Request {
	path, query, _ := strings.Cut(path, "?")
	request := a.get(path)
	request.Method, request.URL.RawQuery = method, query
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		endpoint.SetBody(request, encoded(body))
	}
	return request
}

// ask repeats the same request until there is an answer, and returns it if it is a
// success.
func (a *API) ask(ctx context.Context, method, path string, body any) (*endpoint.Answer, error) {
	return a.do(ctx, func(context.Context) (*http.Request, error) { return a.request(method, path, body), nil })
}

// do is ask with a new request for each attempt.
func (a *API) do(ctx context.Context, make func(context.Context) (*http.Request, error)) (*endpoint.Answer, error) {
	answer, err := a.Client.ask(ctx, a.name(), make)
	if err != nil {
		return nil, err
	}
	if answer.Status >= 200 && answer.Status < 300 {
		return answer, nil
	}
	return nil, a.refused(answer)
}

// read asks for a T in JSON. What names it in errors.
func read[T any](ctx context.Context, a *API, path, what string) (T, error) {
	answer, err := a.ask(ctx, http.MethodGet, path, nil)
	return decoded[T](a, answer, err, what)
}

// decoded reads a T, unless there was an error before.
func decoded[T any](a *API, answer *endpoint.Answer, err error, what string) (value T, _ error) {
	if err == nil && json.Unmarshal(answer.Body, &value) != nil {
		err = a.unbelievable("answered with %s in place of %s", kind(answer), what)
	}
	return value, err
}

// robots asks about the robots of a namespace. The organization's address serves for a
// user's robots too, with org:admin and in every release. It cannot create them, and a
// token with user:admin alone may not use it, so then the personal address is asked, but
// only about the API token's own user: whose robots it is about nothing else tells.
func (a *API) robots(ctx context.Context, method, namespace, path string, body any) (*endpoint.Answer, error) {
	base := a.base(ctx, namespace)
	answer, err := a.ask(ctx, method, base+path, body)
	var refusal, other *Refusal
	if !errors.As(err, &refusal) {
		return answer, err
	}
	creates := strings.HasPrefix(refusal.Message, noOrganization)
	if base != ownRobots && (creates || refusal.Reason == NotAllowed) && a.user(ctx) == namespace {
		answer, err = a.ask(ctx, method, ownRobots+path, body)
		switch {
		case !errors.As(err, &other):
			a.personal.Store(a.personal.Load() || !creates)
			return answer, err
		case other.Reason == NoAPI: // before Quay 3.17.2
			return nil, refusal
		}
		refusal = other
	}
	return nil, a.blame(ctx, refusal, namespace)
}

const ownRobots = "/api/v1/user/robots"

// base is where the API has the robots of a namespace.
func (a *API) base(ctx context.Context, namespace string) string {
	if a.personal.Load() && a.user(ctx) == namespace {
		return ownRobots
	}
	return organization(namespace) + "/robots"
}

// blame finds out whether there is such a namespace at all. Quay says "Unauthorized", or
// to a superuser "Could not find robot", about an organization that does not exist.
func (a *API) blame(ctx context.Context, refusal *Refusal, namespace string) *Refusal {
	switch refusal.Reason {
	case NotAllowed, NoSuchRobot, NoOwner:
		refusal.Owner = a.Owner(ctx, namespace)
	}
	switch {
	case refusal.Owner == Nobody:
		refusal.Reason = NoOwner
	case refusal.Owner == Person && refusal.Reason != NoSuchRobot:
		refusal.Reason = NotOwner
	}
	return refusal
}

// organization is its address.
func organization(name string) string { return "/api/v1/organization/" + name }

// refused reads an answer of the API that is not a success.
func (a *API) refused(answer *endpoint.Answer) error {
	r, said := refusal(a.Registry.Host, answer), wordsOf(answer)
	r.Message, _, _ = strings.Cut(r.Message, "\n\n") // after which a JSON schema follows
	switch {
	case answer.Status == http.StatusUnauthorized && said.ErrorType != "",
		answer.Status == http.StatusForbidden && strings.HasPrefix(r.Message, "CSRF token"):
		r.Reason = BadAPIToken
	case answer.Status == http.StatusForbidden && said.ErrorType == "insufficient_scope":
		r.Reason = NotAllowed
	case said.IsReadOnly:
		r.Reason = ReadOnly
	case r.Page && (answer.Status == http.StatusNotFound || answer.Status == http.StatusMethodNotAllowed),
		answer.Status == http.StatusPermanentRedirect && strings.HasSuffix(r.Location, "/federation/"):
		r.Reason = NoAPI
	}
	return r
}

// unless is err, but nil for a refusal whose words begin so: all is as it should be.
func unless(err error, words string) error {
	var refusal *Refusal
	if errors.As(err, &refusal) && strings.HasPrefix(refusal.Message, words) {
		return nil
	}
	return err
}

// readOnly is a 503 that does not pass by itself.
func readOnly(answer *endpoint.Answer) bool {
	return answer.Status == http.StatusServiceUnavailable && wordsOf(answer).IsReadOnly
}

// unbelievable is an answer that cannot be what was asked for.
func (a *API) unbelievable(format string, args ...any) error {
	return &endpoint.Unbelievable{Name: a.name(), Why: fmt.Sprintf(format, args...)}
}
