// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Settings are what an exchange for one host needs. One of Source, File and Variable is
// set. A new field also needs ToSettings and FromSettings in package login.
type Settings struct {
	Registry string `json:"registry"` // as the user wrote it, perhaps with http://
	Robot    string `json:"robot"`
	Audience string `json:"audience"`
	Source   string `json:"id-token-source,omitempty"` // the source's name, never auto
	File     string `json:"id-token-file,omitempty"`   // absolute: tools run anywhere
	Variable string `json:"id-token-env,omitempty"`
	// Options are the source's flags by name. They never hold a secret, only the file or
	// the variable that has it.
	Options map[string]string `json:"id-token-options,omitempty"`
	// CA is PEM text, because a path may be gone when a tool asks, or outside of the
	// tool's container.
	CA        string `json:"ca-certificate,omitempty"`
	TLSVerify bool   `json:"tls-verify"`
	Timeout   string `json:"timeout"` // as 1m30s
}

// UnmarshalJSON reads settings. What is left out is safe.
func (s *Settings) UnmarshalJSON(text []byte) error {
	type plain Settings
	*s = Settings{TLSVerify: true}
	return json.Unmarshal(text, (*plain)(s))
}

// Limit is the timeout as a duration.
func (s Settings) Limit() (time.Duration, error) {
	limit, err := time.ParseDuration(s.Timeout)
	if err != nil || limit <= 0 {
		return 0, fmt.Errorf("timeout %q is not a duration", s.Timeout)
	}
	return limit, nil
}

// validate finds settings that no exchange could use.
func (s Settings) validate() error {
	sources := 0
	for _, source := range []string{s.Source, s.File, s.Variable} {
		if source != "" {
			sources++
		}
	}
	switch {
	case s.Registry == "":
		return errors.New("has no registry")
	case s.Robot == "":
		return errors.New("has no robot")
	case s.Audience == "":
		return errors.New("has no audience")
	case sources != 1:
		return fmt.Errorf("has %d places for the ID token, not one", sources)
	}
	if _, err := s.Limit(); err != nil {
		return fmt.Errorf("has a %w", err)
	}
	return nil
}
