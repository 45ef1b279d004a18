// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/host"
)

// longToken is about what Quay's front takes: its limit is 8192 bytes for the
// line that carries the robot's name and the token in base64 (measured).
const longToken = 6100

// doubts are the warnings that can be told without asking anyone.
func (m me) doubts() []host.Message {
	var found []host.Message
	for _, t := range traitsOf(m.claims) {
		if !t.harmless {
			found = append(found, host.Message{Text: t.text(m.claims), Hints: t.cure})
		}
	}
	warn := func(text string, hints ...string) { found = append(found, host.Message{Text: text, Hints: hints}) }
	switch {
	case len(m.claims.Audience) == 0:
		warn("the ID token has no audience: whoever gets it could show it to everybody who trusts its issuer",
			"have its provider set the audience "+m.asked+", which a federation entry can ask for from Quay 3.18 on")
	case !slices.Contains(m.claims.Audience, m.asked):
		warn(fmt.Sprintf("the ID token is for the audience %s, and not for %s", strings.Join(m.claims.Audience, ", "), m.asked),
			"name the audience that the federation entry has where the job gets its ID token, or by --audience; Quay before 3.18 does not look at it")
	}
	if m.size > longToken {
		warn(fmt.Sprintf("the ID token has %d bytes, and the server in front of Quay takes about %d", m.size, longToken),
			"have its provider put fewer claims in it")
	}
	return append(found, m.clockDoubts()...)
}

// clockDoubts compares with the clock here; the registry's is the one that counts.
func (m me) clockDoubts() []host.Message {
	late, early := m.now.Sub(m.claims.Expiry), m.claims.IssuedAt.Sub(m.now)
	switch {
	case !m.claims.Expiry.IsZero() && late > leeway:
		return []host.Message{{
			Text:  fmt.Sprintf("the ID token expired %s ago, by the clock here", late.Round(time.Second)),
			Hints: []string{"get it right before it is used, and look whether the clock here is right"},
		}}
	case early > leeway:
		return []host.Message{{
			Text:  fmt.Sprintf("the ID token was issued %s in the future, by the clock here", early.Round(time.Second)),
			Hints: []string{"set this machine's clock by NTP"},
		}}
	}
	return nil
}

// hopeless reports a token that no federation entry helps.
func (m me) hopeless() bool {
	return slices.ContainsFunc(traitsOf(m.claims), func(t trait) bool { return t.hopeless })
}

// expires is when the token ends, and how soon.
func (m me) expires() string {
	if m.claims.Expiry.IsZero() {
		return "(never told)"
	}
	left := m.claims.Expiry.Sub(m.now)
	if left <= 0 {
		return clock(m.claims.Expiry) + ", which has passed"
	}
	return fmt.Sprintf("%s, in %s", clock(m.claims.Expiry), left.Round(time.Second))
}
