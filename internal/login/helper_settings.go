// SPDX-License-Identifier: Apache-2.0

package login

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/request"
)

// settings are what the login leaves for the helper, by host.
func (l *login) settings(ctx context.Context) (map[string]credhelper.Settings, error) {
	all, flags := map[string]credhelper.Settings{}, l.flags.ExchangeFlags
	ca, err := l.caText(ctx)
	if err != nil {
		return nil, err
	}
	for _, token := range l.tokens {
		s := credhelper.Settings{
			Registry:  token.Registry.String(),
			Robot:     token.Robot.String(),
			Audience:  token.Audience,
			Variable:  flags.TokenEnv,
			CA:        string(ca),
			TLSVerify: flags.TLSVerify,
			Timeout:   flags.Timeout.Round(time.Millisecond).String(),
		}
		switch {
		case flags.TokenFile != "": // tools run in other folders
			s.File, err = filepath.Abs(flags.TokenFile)
		case flags.TokenEnv == "":
			s.Source = token.source.Name
			s.Options, err = flags.Sources.Options(s.Source, l.Env.Getenv)
		}
		if err != nil {
			return nil, err
		}
		all[token.Registry.Host] = s
	}
	return all, nil
}

// FromSettings is the inverse: it rebuilds the flags of the login that left these settings
// for a host.
func FromSettings(host string, s credhelper.Settings) (request.ExchangeFlags, []request.Target, error) {
	limit, err := s.Limit()
	if err != nil {
		return request.ExchangeFlags{}, nil, err
	}
	flags := request.ExchangeFlags{
		IdentityFlags: request.IdentityFlags{
			Audiences:     []string{host + "=" + s.Audience},
			Source:        cmp.Or(s.Source, "auto"), // which a file or a variable precedes
			TokenFile:     s.File,
			TokenEnv:      s.Variable,
			CaCertificate: s.CA,
			Timeout:       limit,
			Sources:       request.SourceFlagsOf(s.Options),
		},
		Robots:    []string{s.Robot},
		TLSVerify: s.TLSVerify,
	}
	targets, err := flags.Targets(s.Registry)
	if err == nil && targets[0].Registry.Host != host { // no tool expects another's token
		err = fmt.Errorf("they are for %s", targets[0].Registry.Host)
	}
	return flags, targets, err
}
