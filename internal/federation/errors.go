// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"fmt"
	"net/http"
	"slices"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
	"quay-keyless/internal/subject"
)

// RefusedAPI is a request to Quay's API that failed.
type RefusedAPI struct {
	Target request.Target
	Scopes string // that the request needs, as Quay's UI calls them
	All    string // that the whole command needs; "" if the same
	Err    error
}

// Error is the text.
func (r *RefusedAPI) Error() string { return r.Err.Error() }

// Unwrap is the cause.
func (r *RefusedAPI) Unwrap() error { return r.Err }

// The scopes of API tokens, as Quay's UI and Quay's API call them.
const (
	ScopeOrganization = "Administer Organization (org:admin)"
	ScopeUser         = "Administer User (user:admin)"
	ScopePermission   = "Administer Repositories (repo:admin)"
	ScopeCreate       = "Create Repositories (repo:create)"
)

// LostAudiences is a save that would make Quay stop checking audiences.
type LostAudiences struct {
	Target  request.Target
	Entries []quay.Entry
}

// Error is the text.
func (l *LostAudiences) Error() string {
	return fmt.Sprintf("nothing was sent: at any save, by API or UI, this Quay would drop the audiences of the federation entries of %s", l.Target.Robot)
}

// NoEntry is an entry to remove that is not there.
type NoEntry struct {
	Target          request.Target
	Stored          quay.Entries
	Issuer, Subject string
}

// Error is the text.
func (n *NoEntry) Error() string {
	return fmt.Sprintf("nothing was removed: %s has no federation entry with issuer %s, subject %s", n.Target.Robot, subject.Unhidden(n.Issuer), subject.Unhidden(n.Subject))
}

// Message shows the nearest entry.
func (n *NoEntry) Message() platform.Message {
	m := platform.Message{
		Text: fmt.Sprintf("%s has no such federation entry", n.Target.Robot), Reason: "no-such-entry",
		Said: fmt.Sprintf("nothing was removed: issuer %s, subject %s", subject.Unhidden(n.Issuer), subject.Unhidden(n.Subject)),
	}
	if near, found := Nearest(n.Stored, n.Issuer, n.Subject); found {
		lines := append(subject.Beside("issuer", near.Issuer, n.Issuer), subject.Beside("subject", near.Subject, n.Subject)...)
		m.Steps = []platform.Step{{Text: "Check the issuer and the subject. The nearest entry still lets jobs in:", Lines: lines}}
	} else {
		m.Notes = []string{"The robot account has no federation entry at all."}
	}
	m.Hints = []string{"To accept that in a script, add --if-exists."}
	return m
}

// Unwrap makes it what scripts know as refused.
func (n *NoEntry) Unwrap() error {
	return &quay.Refusal{Host: n.Target.Registry.Host, Status: http.StatusNotFound}
}

// Nearest is the stored entry with the fewest differences, if there is one.
func Nearest(stored quay.Entries, issuer, sub string) (quay.Entry, bool) {
	if len(stored) == 0 {
		return quay.Entry{}, false
	}
	far := func(e quay.Entry) int { return subject.Distance(e.Issuer, issuer) + subject.Distance(e.Subject, sub) }
	return slices.MinFunc(stored, func(a, b quay.Entry) int { return far(a) - far(b) }), true
}
