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

// fewerClaims is for a token that is longer.
const fewerClaims = "have the ID token's provider put fewer claims in it: the server in front of Quay takes about 6100 bytes"

// Doubts are the warnings that need no endpoint.
func (m Identity) Doubts() []platform.Message {
	var found []platform.Message
	for _, t := range TraitsOf(m.Claims, m.Registry) {
		if !t.Harmless {
			found = append(found, platform.Message{Text: t.Text(m.Claims), Hints: t.cure})
		}
	}
	warn := func(text string, hints ...string) { found = append(found, platform.Message{Text: text, Hints: hints}) }
	switch {
	case len(m.Claims.Audience) == 0:
		warn("the ID token has no audience: whoever gets it could show it to everybody who trusts its issuer",
			"have its provider set the audience "+m.Asked+", which a federation entry can ask for from Quay 3.18 on")
	case !slices.Contains(m.Claims.Audience, m.Asked):
		warn(fmt.Sprintf("the ID token is for the audience %s, and not for %s", strings.Join(m.Claims.Audience, ", "), m.Asked),
			"name the audience that the federation entry has where the job gets its ID token, or by --audience; Quay before 3.18 does not look at it")
	}
	if m.Size > longToken {
		warn(fmt.Sprintf("the ID token has %d bytes, and the server in front of Quay takes about %d", m.Size, longToken),
			"have its provider put fewer claims in it")
	}
	return append(found, m.clockDoubts()...)
}

// clockDoubts uses the local clock; login later uses the registry's.
func (m Identity) clockDoubts() []platform.Message {
	late, early := m.Now.Sub(m.Claims.Expiry), m.Claims.IssuedAt.Sub(m.Now)
	switch {
	case !m.Claims.Expiry.IsZero() && late > login.Leeway:
		return []platform.Message{{
			Text:  fmt.Sprintf("the ID token expired %s ago, by the clock here", late.Round(time.Second)),
			Hints: []string{"get it right before it is used, and look whether the clock here is right"},
		}}
	case early > login.Leeway:
		return []platform.Message{{
			Text:  fmt.Sprintf("the ID token was issued %s in the future, by the clock here", early.Round(time.Second)),
			Hints: []string{"set this machine's clock by NTP"},
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
		return "(never told)"
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
