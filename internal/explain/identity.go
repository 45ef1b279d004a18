// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
)

// longToken is about the longest ID token that Quay's front accepts: 8192 bytes for the
// line with the robot's name and the token in base64.
const longToken = 6100

// Doubts are the warnings that need no endpoint.
func (m Identity) Doubts() []platform.Message {
	var found []platform.Message
	for _, t := range TraitsOf(m.Claims, m.Registry) {
		if !t.Harmless {
			found = append(found, platform.Message{Text: t.Text(m.Claims), Steps: t.cure})
		}
	}
	warn := func(text string, hints ...string) { found = append(found, platform.Message{Text: text, Hints: hints}) }
	switch {
	case len(m.Claims.Audience) == 0:
		warn("the ID token has no audience, so any service that trusts its issuer accepts it",
			"Configure its provider to set the audience "+m.Asked+". From Quay 3.18 on, a federation entry can require it.")
	case !slices.Contains(m.Claims.Audience, m.Asked):
		warn(fmt.Sprintf("the ID token is for the audience %s, not for %s", strings.Join(m.Claims.Audience, ", "), m.Asked),
			"Request the ID token for the audience of the federation entry, or name it with --audience. Quay before 3.18 ignores audiences.")
	}
	if m.Size > longToken {
		warn(fmt.Sprintf("the ID token has %d bytes, and the server in front of Quay accepts about %d", m.Size, longToken),
			"Configure its provider to write fewer claims.")
	}
	return append(found, m.clockDoubts()...)
}

// clockDoubts uses the local clock; login later uses the registry's.
func (m Identity) clockDoubts() []platform.Message {
	late, early := m.Now.Sub(m.Claims.Expiry), m.Claims.IssuedAt.Sub(m.Now)
	switch {
	case !m.Claims.Expiry.IsZero() && late > login.Leeway:
		return []platform.Message{{
			Text:  fmt.Sprintf("the ID token expired %s ago, by this machine's clock", late.Round(time.Second)),
			Hints: []string{"Request it right before the login, and check this machine's clock."},
		}}
	case early > login.Leeway:
		return []platform.Message{{
			Text:  fmt.Sprintf("the ID token was issued %s in the future, by this machine's clock", early.Round(time.Second)),
			Hints: []string{"Set this machine's clock by NTP."},
		}}
	}
	return nil
}

// Hopeless reports a token that no federation entry can match, at any registry.
func (m Identity) Hopeless() bool {
	return hopeless(m.Claims, "") != nil
}

// Expires says when the token expires, and how soon.
func (m Identity) Expires() string {
	if m.Claims.Expiry.IsZero() {
		return "(the ID token does not say)"
	}
	left := m.Claims.Expiry.Sub(m.Now)
	if left <= 0 {
		return platform.FormatTime(m.Claims.Expiry) + ", which has passed"
	}
	return fmt.Sprintf("%s, in %s", platform.FormatTime(m.Claims.Expiry), left.Round(time.Second))
}

// Identity is who this job is.
type Identity struct {
	Source   string
	Claims   idtoken.Claims
	Registry string    // where the user wants to log in
	Asked    string    // the audience that the user wants
	Size     int       // of the token, in bytes
	Now      time.Time // by the local clock
}
