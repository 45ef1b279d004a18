// SPDX-License-Identifier: Apache-2.0

// Package federation holds what Quay must have before a job can log in: federation
// entries, robots and permissions, and how they are changed.
package federation

import (
	"context"
	"slices"

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

// WarnOfRisks warns of what the entry lets in. Writes: its robot may write somewhere.
func (e WantedEntry) WarnOfRisks(to platform.Platform, t request.Target, writes bool) {
	for _, f := range Findings(Examined{Issuer: e.issuer, Subject: e.subject, Writes: writes, Registry: t.Registry.Host}) {
		if f.Level == Risk {
			to.Warn(platform.Message{Text: f.Text, Hints: f.Cures})
		}
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

// ResolveEntry finds the entry that the flags mean. A new one that no ID token can match is
// an error; one to remove may be such.
func ResolveEntry(ctx context.Context, run *process.Run, f EditFlags, t request.Target) (WantedEntry, error) {
	entry, err := resolve(ctx, run, f, t)
	if err != nil || f.Removes {
		return entry, err
	}
	examined := Examined{Issuer: entry.issuer, Subject: entry.subject}
	if f.FromToken { // what the token says is no slip of the user, but Quay needs https
		if finding := issuerURL(examined); finding != nil {
			return entry, &platform.Curable{Text: "Quay cannot verify this job's ID token: " + finding.Text, Cures: []string{"have its provider use an https issuer that Quay can reach"}}
		}
	} else if finding := Hopeless(examined); finding != nil {
		return entry, &request.UsageError{Err: &platform.Curable{Text: finding.Text, Cures: finding.Cures}}
	}
	return entry, nil
}

func resolve(ctx context.Context, run *process.Run, f EditFlags, t request.Target) (WantedEntry, error) {
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
	}
	entry.issuer, entry.subject = claims.Issuer, claims.Subject
	if !entry.explicit && len(claims.Audience) > 0 {
		entry.audiences = claims.Audience
	}
	return entry, nil
}
