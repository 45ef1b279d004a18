// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// APIToken reads the token for Quay's API from the file or from QUAY_API_TOKEN, and
// masks it. It is empty if there is none.
func APIToken(ctx context.Context, run *process.Run, file string) (idtoken.Secret, error) {
	text, from := run.Env.Getenv(request.APITokenVariable), "the variable "+request.APITokenVariable
	if file != "" {
		read, err := run.Env.ReadFile(ctx, file)
		if err != nil {
			return idtoken.Secret{}, fmt.Errorf("reading the API token: %w", err)
		}
		if text, from = string(read), "the file "+file; strings.TrimSpace(text) == "" {
			return idtoken.Secret{}, fmt.Errorf("reading the API token: %s is empty", from)
		}
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return idtoken.Secret{}, nil
	}
	token := idtoken.NewSecret(text)
	run.Platform.Mask(token)
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return idtoken.Secret{}, fmt.Errorf("%s holds no API token: it has white space or other odd characters in it", from)
	}
	return token, nil
}

// errNoAPIToken is for commands that need the API.
var errNoAPIToken = errors.New("no token for Quay's API: set " + request.APITokenVariable + " or name a file with --api-token-file")

// newAPI is the API with its token. It contacts nothing.
func newAPI(ctx context.Context, run *process.Run, flags request.APIFlags, t request.Target) (*quay.API, error) {
	token, err := APIToken(ctx, run, flags.APITokenFile)
	if err != nil {
		return nil, &request.UsageError{Err: err}
	}
	if token.Empty() {
		return nil, &request.UsageError{Err: errNoAPIToken}
	}
	_, transport, err := login.Transports(ctx, run, flags.IdentityFlags, flags.TLSVerify)
	if err != nil {
		return nil, err
	}
	WarnOfAPI(run, flags.TLSVerify, t.Registry)
	client := &quay.Client{Registry: t.Registry, Endpoint: login.Endpoint(run, flags.IdentityFlags, transport)}
	return quay.NewAPI(client, token), nil
}

// WarnOfAPI warns if others can read the API token on its way.
func WarnOfAPI(run *process.Run, tlsVerify bool, registry quay.Registry) {
	switch {
	case registry.PlainHTTP:
		run.Platform.Warn(platform.Message{Text: fmt.Sprintf("http: the API token travels to %s readable for everybody on the way", registry.Host)})
	case !tlsVerify:
		run.Platform.Warn(platform.Message{Text: fmt.Sprintf("the certificate of %s is not verified: anybody on the way can take the API token", registry.Host)})
	}
}

// WithAPI runs do with Quay's API, until --timeout or a signal.
func WithAPI(ctx context.Context, run *process.Run, flags request.APIFlags, t request.Target, do func(context.Context, *quay.API) error) error {
	ctx, end := flags.Begin(ctx, run)
	defer end()
	api, err := newAPI(ctx, run, flags, t)
	if err != nil {
		return err
	}
	err = do(ctx, api)
	AddRobots(ctx, api, t.Robot, err)
	return err
}

// AddRobots adds the robots of the namespace to the refusal of one that does not exist,
// because its name may be misspelled.
func AddRobots(ctx context.Context, api *quay.API, missing quay.Robot, err error) {
	refusal, ok := errors.AsType[*quay.Refusal](err)
	if !ok || refusal.Reason != quay.NoSuchRobot {
		return
	}
	all, _ := api.Robots(ctx, missing.Namespace)
	for _, robot := range all {
		refusal.Robots = append(refusal.Robots, robot.Name)
	}
}
