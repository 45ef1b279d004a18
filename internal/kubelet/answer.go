// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// Limit is the longest time that an answer may take. The kubelet waits one minute.
const Limit = 30 * time.Second

// margin is how long before its expiry the kubelet drops a robot token: longer than a
// pull takes.
const margin = 5 * time.Minute

// sourceName is what messages call the kubelet's token.
const sourceName = "the kubelet"

// Source is the source of the token that came with the request, unless it is for somebody else
// than Quay.
func (r Request) Source() idtoken.Source {
	return idtoken.Source{Name: sourceName, Get: func(_ context.Context, audience string) (idtoken.Token, error) {
		token, err := idtoken.Usable(r.Token.Reveal())
		if err == nil && !slices.Contains(token.Audience, audience) {
			err = &platform.Curable{
				Text: fmt.Sprintf("the service account token has the audience %q, not %q: set serviceAccountTokenAudience in the plugin's configuration, or the plugin's --audience",
					strings.Join(token.Audience, ", "), audience),
				Reason: "audience-mismatch", Exit: 3, // as when Quay refuses it, but it was not sent
			}
		}
		return token, err
	}}
}

// Answer reads the kubelet's request, exchanges its token, and writes the answer: all
// robots of the image's registry or none, because the kubelet uses one answer for every
// image of a registry.
func Answer(ctx context.Context, run *process.Run, flags request.ExchangeFlags) error {
	if flags.Timeout > Limit {
		return &request.UsageError{Err: fmt.Errorf("--timeout %s: the longest is %s, because the kubelet waits one minute", flags.Timeout, Limit)}
	}
	ctx, end := flags.Begin(ctx, run)
	defer end()
	asked, err := Read(run.Env.Input(ctx))
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("no request on standard input: %w", context.Cause(ctx))
	case err != nil:
		return err
	}
	run.Secrets.Add(asked.Token)
	targets, err := asked.Targets(flags)
	if err != nil {
		return err
	}
	flags.Given = asked.Source()
	logins, err := login.RobotTokens(ctx, run, flags, targets)
	if err != nil {
		return err
	}
	text, err := json.Marshal(asked.response(logins))
	if err == nil {
		_, err = run.Env.Stdout.Write(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("answering the kubelet: %w", errno.WithoutPath(err))
	}
	return nil
}

// response is a CredentialProviderResponse: it has a key for each login, and the time of the
// one that expires first.
func (r Request) response(logins []login.RobotToken) any {
	type credential struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	left := logins[0].Left
	auth := map[string]credential{}
	for _, l := range logins {
		left = min(left, l.Left)
		key := r.Host // as in the image: the kubelet compares letters
		if l.Registry.Namespace != "" {
			key += "/" + l.Registry.Namespace
		}
		auth[key] = credential{l.Robot.String(), l.Token.Reveal()}
	}
	return struct {
		Kind          string                `json:"kind"`
		APIVersion    string                `json:"apiVersion"`
		CacheKeyType  string                `json:"cacheKeyType"`
		CacheDuration string                `json:"cacheDuration"`
		Auth          map[string]credential `json:"auth"`
	}{"CredentialProviderResponse", apiVersion, "Registry", max(0, left-margin).Truncate(time.Second).String(), auth}
}
