// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"quay-keyless/internal/endpoint"
)

// Owner is what a namespace is.
type Owner int

// What a namespace can be.
const (
	UnknownOwner Owner = iota // Quay does not tell
	Organization
	Person
	Nobody // there is neither
)

// State is what Quay tells everybody about itself.
type State struct {
	Failing        []string // services that do not work, as "database"
	ReadOnly       bool     // REGISTRY_STATE
	RobotsDisabled bool     // ROBOTS_DISALLOW
}

// Failure is a 5xx that outlasted its retries, with what Quay then told about itself.
type Failure struct {
	State State
	Err   error // an [*endpoint.Unreachable]
}

// Error is the text of the 5xx.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap is the 5xx.
func (f *Failure) Unwrap() error { return f.Err }

// failure adds Quay's state to a 5xx.
func (c *Client) failure(ctx context.Context, err error) error {
	var unreachable *endpoint.Unreachable
	if !errors.As(err, &unreachable) || unreachable.Answer() == nil || unreachable.Answer().Status < 500 {
		return err
	}
	return &Failure{State: c.State(ctx), Err: err}
}

// State asks Quay about itself. What it does not tell counts as in order.
func (c *Client) State(ctx context.Context) State {
	var state State
	var health struct {
		Data struct{ Services map[string]bool }
	}
	if _, err := c.peek(ctx, "/health/instance", &health); err == nil {
		for _, service := range slices.Sorted(maps.Keys(health.Data.Services)) {
			if !health.Data.Services[service] {
				state.Failing = append(state.Failing, service)
			}
		}
	}
	var config struct {
		State  string `json:"registry_state"`
		Config struct {
			Disallow bool `json:"ROBOTS_DISALLOW"`
		}
	}
	if _, err := c.peek(ctx, "/config", &config); err == nil {
		state.ReadOnly, state.RobotsDisabled = config.State == "readonly", config.Config.Disallow
	}
	return state
}

// Owner asks what a namespace is.
func (c *Client) Owner(ctx context.Context, namespace string) Owner {
	for _, known := range []struct {
		path  string
		owner Owner
	}{{organization(namespace), Organization}, {"/api/v1/users/" + namespace, Person}} {
		status, err := c.peek(ctx, known.path, new(map[string]any))
		switch {
		case err == nil && status == http.StatusOK:
			return known.owner
		case err != nil || status != http.StatusNotFound:
			return UnknownOwner
		}
	}
	return Nobody
}

// RepositoryState asks for the state of a repository, ORG/REPO; "" if Quay does not tell.
func (c *Client) RepositoryState(ctx context.Context, repository string) string {
	var found Repository
	if status, err := c.peek(ctx, "/api/v1/repository/"+repository, &found); err != nil || status != http.StatusOK {
		return ""
	}
	return found.State
}

// peekLimit is short, because the answer only makes an error clearer.
const peekLimit = 5 * time.Second

// peek asks once and reads the JSON of any answer.
func (c *Client) peek(ctx context.Context, path string, into any) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, peekLimit)
	defer cancel()
	once := *c.Endpoint
	once.Once, once.Retrying = true, nil
	once.Definite = func(*endpoint.Answer) bool { return true }
	answer, err := once.Do(ctx, c.Registry.Host, func(context.Context) (*http.Request, error) { return c.get(path), nil })
	if err != nil {
		return 0, err
	}
	return answer.Status, json.Unmarshal(answer.Body, into)
}
