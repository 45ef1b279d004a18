// SPDX-License-Identifier: Apache-2.0

// Package idtoken finds the ID token that a CI platform or an OIDC provider
// signs for this job, and reads what it says.
package idtoken

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"quay-keyless/internal/endpoint"
)

// Env is what sources may read and contact.
type Env struct {
	Getenv   func(string) string
	Stdin    io.Reader
	ReadFile func(path string) ([]byte, error)
	Endpoint *endpoint.Client // for the platforms' own servers, always verified
	// Direct is Endpoint without a proxy, for servers on this machine's own link.
	Direct *endpoint.Client
	// Say tells the user what to do now, for a login by browser.
	Say func(string)
	// Ask asks the user for a secret, without echo.
	Ask func(ctx context.Context, question string) (Secret, error)
	// Browse opens an address in the user's browser, if there is one.
	Browse func(ctx context.Context, address string)
	// Hide removes a secret from all words; may be nil.
	Hide func(Secret)
}

func (e Env) hidden(text string) Secret {
	secret := NewSecret(text)
	if e.Hide != nil {
		e.Hide(secret)
	}
	return secret
}

// Source is a place an ID token comes from.
type Source struct {
	// Name is what users and messages call it.
	Name string
	// Present reports whether this job has the source, broken or not. It is nil for a source that
	// the user must choose.
	Present func() bool
	// ChoosesAudience is set if the source makes a token for the audience that it is asked for. The
	// tokens of others were made before this program ran.
	ChoosesAudience bool
	// Renews says when the source has a fresh token.
	Renews Renewal
	// Get returns a token for the audience, or an [*Error]. A token returned with an error must be
	// masked and not used.
	Get func(ctx context.Context, audience string) (Token, error)
}

// Renewal is when to ask a source again during the job.
type Renewal int

const (
	// Never is for tokens that were made when the job started.
	Never Renewal = iota
	// NearExpiry is for sources whose tokens are good until they expire.
	NearExpiry
	// Always is for a file that the kubelet may have replaced.
	Always
)

// Unanswered is the error of a source whose endpoint was not reached or gave an
// unexpected answer: Err is an [*endpoint.Unreachable] or an [*endpoint.Unbelievable].
// It distinguishes them from the registry's.
type Unanswered struct{ Err error }

// Error is Err's.
func (u *Unanswered) Error() string { return u.Err.Error() }

// Unwrap returns Err.
func (u *Unanswered) Unwrap() error { return u.Err }

// IDToken is Get with the source's name in its errors: [*Error], [*Unanswered] and what
// ended ctx.
func (s Source) IDToken(ctx context.Context, audience string) (Token, error) {
	token, err := s.Get(ctx, audience)
	if bad, ok := errors.AsType[*Error](err); ok {
		bad.Source = cmp.Or(bad.Source, s.Name)
	}
	if errors.As(err, new(*endpoint.Unreachable)) || errors.As(err, new(*endpoint.Unbelievable)) {
		return Token{}, &Unanswered{err}
	}
	return token, err
}

// Settings are what the user configured for sources that need more than their name.
type Settings struct {
	// SubjectClaim is the claim that Buildkite uses as the subject; "" for the job's variable.
	SubjectClaim string
	// Client is for OIDC and Entra. Its ID chooses among several identities of an Azure machine.
	Client Client
}

// Sources are all sources that have a name, in the order in which auto looks for one. GitHub
// is first because its self-hosted runners run in clusters; a cluster's projected token is
// last because CI platforms run jobs in pods. The user must choose the others: they need flags,
// or answer on every machine of a cloud.
func Sources(env Env, s Settings) []Source {
	job := func(flag, variable string) func() bool {
		return func() bool { return strings.EqualFold(env.Getenv(flag), "true") || env.Getenv(variable) != "" }
	}
	with := func(get func(context.Context, string, string) (Token, error), setting string) func(context.Context, string) (Token, error) {
		return func(ctx context.Context, audience string) (Token, error) { return get(ctx, setting, audience) }
	}
	oidc, oidcRenews := OIDC{Env: env, Client: s.Client}, NearExpiry
	if s.Client.Flow.Interactive() {
		oidcRenews = Never
	}
	return []Source{
		{"github", job("GITHUB_ACTIONS", requestURL), true, NearExpiry, env.github},
		{"gitlab", job("GITLAB_CI", gitlabVariable), false, Never, env.gitlab},
		{"azure-pipelines", job("TF_BUILD", azureRequestURI), false, NearExpiry, env.azurePipelines},
		{"buildkite", job("BUILDKITE", ""), true, NearExpiry, with(env.buildkite, s.SubjectClaim)},
		{"circleci", job("CIRCLECI", ""), false, Never, env.circleCI},
		{"kubernetes", env.inPod, false, Always, env.kubernetes},
		{"oidc", nil, false, oidcRenews, oidc.IDToken},
		{"entra", nil, true, NearExpiry, oidc.entraToken},
		{"azure-identity", nil, true, NearExpiry, with(env.azureIdentity, s.Client.ID)},
		{"google", nil, true, NearExpiry, env.google},
	}
}

// SourceNames are the names that [Choose] knows.
func SourceNames() []string {
	names := []string{"auto"}
	for _, source := range Sources(Env{}, Settings{}) {
		names = append(names, source.Name)
	}
	return names
}

// Choose returns the source of that name, or for "auto" the first one present, even if that
// is broken. The errors are [NoSource] and [UnknownSource].
func Choose(env Env, name string, settings Settings) (Source, error) {
	for _, source := range Sources(env, settings) {
		if source.Name == name || name == "auto" && source.Present != nil && source.Present() {
			return source, nil
		}
	}
	if name == "auto" {
		return Source{}, &Error{Problem: NoSource, Detail: "this job has no ID token", Platform: recognise(env)}
	}
	return Source{}, fail(UnknownSource, "there is no ID token source %q, only %s", name, strings.Join(SourceNames(), ", "))
}

// Held keeps a source's token for one audience while it is valid. It is safe for
// concurrent use.
type Held struct {
	Source   Source
	Audience string
	// Now is the registry's time if it is known.
	Now func() time.Time
	// Got gets each new token first, to mask it.
	Got func(Secret)

	mu    sync.Mutex
	token Token
}

// IDToken returns the token. It asks again near the token's expiry, or if its file may
// have changed.
func (h *Held) IDToken(ctx context.Context) (Token, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.good() {
		return h.token, nil
	}
	token, err := h.Source.IDToken(ctx, h.Audience)
	if h.Got != nil && !token.Empty() {
		h.Got(token.Secret)
	}
	if err != nil {
		return Token{}, err
	}
	h.token = token
	return token, nil
}

// slowExchange is the time that an exchange may take until Quay looks at the token's expiry.
const slowExchange = 30 * time.Second

// good reports whether the held token is still valid.
func (h *Held) good() bool {
	if h.token.Empty() || h.Source.Renews == Always {
		return false
	}
	expiry := h.token.Expiry
	return h.Source.Renews == Never || expiry.IsZero() || h.Now().Add(slowExchange).Before(expiry)
}
