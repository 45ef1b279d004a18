// SPDX-License-Identifier: Apache-2.0

// Package federation holds what Quay must have before a job can log in: federation
// entries, robots and permissions, and how they are changed.
package federation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
	"quay-keyless/internal/subject"
)

// WantedEntry is the entry that the user means.
type WantedEntry struct {
	issuer, subject string
	audiences       []string // of the job's ID token; never empty
	explicit        bool     // the user named the audience, so Quay must store it
	// assumed is a warning if the subject is a guess.
	assumed *platform.Message
}

// WarnOfAssumption warns if the subject is a guess.
func (e WantedEntry) WarnOfAssumption(to platform.Platform) {
	if e.assumed != nil {
		to.Warn(*e.assumed)
	}
}

// WarnOfFleeting warns of a subject that the next run, pull request or tag will not have.
func (e WantedEntry) WarnOfFleeting(to platform.Platform) {
	if kind, found := subject.FleetingOf(e.issuer, e.subject); found {
		to.Warn(platform.Message{Text: kind.Text, Hints: kind.Cures})
	}
}

// Entry is the entry to store. An audience is in it only if Quay must store one.
func (e WantedEntry) Entry() quay.Entry {
	if !e.explicit {
		return quay.NewEntry(e.issuer, e.subject, e.sent()...)
	}
	return quay.NewEntry(e.issuer, e.subject, e.audiences...)
}

// Audience is that of the job's ID token.
func (e WantedEntry) Audience() string {
	if e.usual() {
		return request.DefaultAudience
	}
	return e.audiences[0]
}

// usual reports whether the audience is the one that later Quays assume.
func (e WantedEntry) usual() bool { return slices.Contains(e.audiences, request.DefaultAudience) }

// sent are the audiences to send with a new entry: none if Quay will assume the right
// one, because up to 3.18 its API accepts none.
func (e WantedEntry) sent() []string {
	if e.usual() {
		return nil
	}
	return e.audiences
}

// takenBy reports whether a stored entry accepts the job's ID token as wanted. An entry
// without audiences accepts any, which is good enough for the usual audience: Quay up to
// 3.18 offers nothing else.
func (e WantedEntry) takenBy(stored quay.Entry) bool {
	if !stored.Restricted() {
		return e.usual() || !e.explicit
	}
	return slices.ContainsFunc(e.audiences, func(audience string) bool { return slices.Contains(stored.Audiences, audience) })
}

// ResolveEntry finds the entry that the flags mean.
func ResolveEntry(ctx context.Context, run *process.Run, f EditFlags, t request.Target) (WantedEntry, error) {
	entry := WantedEntry{
		issuer: f.Issuer, subject: f.Subject, audiences: []string{t.Audience},
		explicit: f.AudienceGiven() || t.Audience != request.DefaultAudience,
	}
	var err error
	switch {
	case f.FromToken:
		return entryFromToken(ctx, run, f.IdentityFlags, entry)
	case f.GitHub != "":
		verified, _, err := login.Transports(ctx, run, f.IdentityFlags, true)
		if err != nil {
			return entry, err
		}
		entry.issuer, entry.subject, entry.assumed, err = subject.GitHubSubject(ctx, run, f.Flags, login.Endpoint(run, f.IdentityFlags, verified))
		return entry, err
	case f.GitLab != "":
		entry.issuer, entry.subject, err = subject.GitLabSubject(f.Flags)
	case f.ServiceAccount != "":
		entry.subject, err = subject.ServiceAccountSubject(f.ServiceAccount)
	}
	return entry, err
}

// entryFromToken reads issuer and subject from this job's own ID token, and the audience
// unless the user named one. It sends the token nowhere.
func entryFromToken(ctx context.Context, run *process.Run, flags request.IdentityFlags, entry WantedEntry) (WantedEntry, error) {
	_, claims, err := login.Identify(ctx, run, flags, entry.audiences[0])
	switch {
	case err != nil:
		return entry, err
	case claims.Issuer == "" || claims.Subject == "":
		return entry, &platform.Curable{Text: "the ID token has no issuer or no subject, so no entry can match it", Cures: []string{"its provider has to set both"}}
	case request.CheckIssuerURL(claims.Issuer) != nil && strings.HasPrefix(claims.Issuer, "https://"):
		return entry, &platform.Curable{Text: "the ID token's " + request.CheckIssuerURL(claims.Issuer).Error()}
	case !strings.HasPrefix(claims.Issuer, "https://"):
		return entry, &platform.Curable{Text: fmt.Sprintf("the ID token's issuer %s is not https, which Quay needs", claims.Issuer)}
	}
	entry.issuer, entry.subject = claims.Issuer, claims.Subject
	if !entry.explicit && len(claims.Audience) > 0 {
		entry.audiences = claims.Audience
	}
	return entry, nil
}
