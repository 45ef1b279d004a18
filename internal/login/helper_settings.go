// SPDX-License-Identifier: Apache-2.0

package login

import (
	"cmp"
	"fmt"
	"time"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/request"
)

// FromSettings rebuilds the flags of the login that left these settings for a host.
func FromSettings(name string, s credhelper.Settings) (request.ExchangeFlags, []request.Target, error) {
	limit, err := s.Limit()
	if err != nil {
		return request.ExchangeFlags{}, nil, err
	}
	flags := request.ExchangeFlags{
		IdentityFlags: request.IdentityFlags{
			Audiences:     []string{name + "=" + s.Audience},
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
	if err == nil && targets[0].Registry.Host != name { // no tool expects another's token
		err = fmt.Errorf("they are for %s", targets[0].Registry.Host)
	}
	return flags, targets, err
}

// ToSettings is the inverse of FromSettings: it makes the settings that a login leaves
// for the helper. source is where the login got its ID token.
func ToSettings(flags request.ExchangeFlags, t request.Target, source sourceOf, readFile func(string) ([]byte, error)) (credhelper.Settings, error) {
	s := credhelper.Settings{
		Registry:  t.Registry.String(),
		Robot:     t.Robot.String(),
		Audience:  t.Audience,
		Source:    source.name,
		File:      source.file,
		Variable:  source.variable,
		TLSVerify: flags.TLSVerify,
		Timeout:   flags.Timeout.Round(time.Millisecond).String(),
	}
	if flags.CaCertificate != "" {
		text, err := request.PEMText(flags.CaCertificate, readFile)
		if err != nil {
			return s, err
		}
		s.CA = string(text)
	}
	return s, nil
}
