// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Account is a robot account as the API sees it. It is not for several
// goroutines at once. The errors of its methods are those of [API].
type Account struct {
	api   *API
	robot Robot
	base  string // of its addresses
}

// Account is the robot account of that name; nothing is asked yet.
func (a *API) Account(robot Robot) *Account {
	return &Account{api: a, robot: robot, base: "/api/v1/organization/" + robot.Namespace + "/robots/" + robot.Name}
}

// personal is where the API has the robots of the API token's own user, for
// tokens with the scope user:admin. The organization's address serves for a
// user's robots too, with org:admin and in every release, so it is asked first.
func (a *Account) personal() string { return "/api/v1/user/robots/" + a.robot.Name }

// Federation returns the robot's federation entries as Quay stores them. It also tells
// if the robot is missing. It never asks for the robot itself, because that answer holds
// the permanent password.
func (a *Account) Federation(ctx context.Context) (Entries, error) {
	entries, err := a.read(ctx)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Reason != NotAllowed || a.base == a.personal() || !a.own(ctx) {
		return entries, err
	}
	organization := a.base
	a.base = a.personal()
	entries, personal := a.read(ctx)
	if errors.As(personal, &refusal) && refusal.Reason == NoAPI { // before Quay 3.17.2
		a.base = organization
		return nil, err
	}
	return entries, personal
}

// read asks for the entries at the account's address.
func (a *Account) read(ctx context.Context) (Entries, error) {
	answer, err := a.api.ask(ctx, http.MethodGet, a.base+"/federation", nil)
	if err != nil {
		return nil, err
	}
	entries, err := ParseEntries(answer.Body)
	if err != nil {
		if title(answer.Body) != "" || len(answer.Body) == 0 {
			err = errors.New(kind(answer) + " in place of federation entries")
		}
		return nil, a.api.unbelievable("answered with %v", err)
	}
	return entries, nil
}

// own reports whether the robot belongs to the API token's own user. Without
// that the personal address would be about another robot.
func (a *Account) own(ctx context.Context) bool {
	answer, err := a.api.ask(ctx, http.MethodGet, "/api/v1/user/", nil)
	var user struct {
		Username string `json:"username"`
	}
	return err == nil && json.Unmarshal(answer.Body, &user) == nil && user.Username == a.robot.Namespace
}

// Edit turns the stored list into the wanted one. It may be called several times.
type Edit func(stored Entries) (wanted Entries, err error)

// Change is what an [Edit] did to a robot's federation entries.
type Change struct {
	Before, Wanted Entries
	// After is what Quay has now; nil if nothing was sent.
	After Entries
}

// Differences lists what the edit changes.
func (c Change) Differences() []Difference { return Compare(c.Before, c.Wanted) }

// strayed lists where Quay stored something else than we sent. It ignores what Quay
// itself adds: id, version, default audiences.
func (c Change) strayed() []Difference {
	touched := Compare(c.Before, c.Wanted)
	return slices.DeleteFunc(Compare(c.Wanted, c.After), func(d Difference) bool {
		ours := func(t Difference) bool { return t.Entry.Same(d.Entry.Issuer, d.Entry.Subject) }
		created := func(t Difference) bool { return t.Added && ours(t) }
		switch d.Field {
		case "id":
			return d.Old == nil
		case "version":
			return d.Old == nil || slices.ContainsFunc(touched, ours)
		case "audiences":
			return d.Old == nil && slices.ContainsFunc(touched, created)
		}
		return false
	})
}

// StoredOtherwise is the error if Quay has other federation entries than those sent a
// moment before: Quay does not accept them, or another client saved others.
type StoredOtherwise struct {
	Host        string
	Robot       Robot
	Differences []Difference // from what was sent to what is stored; never empty
}

// Error names each difference.
func (s *StoredOtherwise) Error() string {
	var lines []string
	for _, d := range s.Differences {
		lines = append(lines, d.words())
	}
	return fmt.Sprintf("%s has stored something else for %s than was sent: %s", s.Host, s.Robot, strings.Join(lines, "; "))
}

// words is the difference between what was sent and what is stored.
func (d Difference) words() string {
	switch {
	case d.Added:
		return fmt.Sprintf("an entry with %s is there", d.Entry)
	case d.Removed:
		return fmt.Sprintf("the entry with %s is not there", d.Entry)
	}
	return fmt.Sprintf("in the entry with %s, %s is %s, not %s", d.Entry, d.Field, valueOf(d.New), valueOf(d.Old))
}

// errUnchanged ends an edit that has nothing to send.
var errUnchanged = errors.New("nothing changes")

// EditFederation changes the robot's federation entries. Quay's API replaces the whole
// list and has no compare-and-swap. So each attempt reads the list, edits it, sends it
// at once, and reads it again. It sends nothing if the edit changes nothing. If Quay
// then has another list, the error is [*StoredOtherwise], with the Change.
func (a *Account) EditFederation(ctx context.Context, edit Edit) (Change, error) {
	var first, change Change
	attempts := 0
	_, err := a.api.do(ctx, func(ctx context.Context) (*http.Request, error) {
		var err error
		if change, err = a.Plan(ctx, edit); err != nil {
			return nil, err
		}
		if attempts++; attempts == 1 {
			first = change
		}
		if len(change.Differences()) == 0 { // or an attempt that got no answer has done it
			return nil, errUnchanged
		}
		return a.api.request(http.MethodPost, a.base+"/federation", change.Wanted.encode()), nil
	})
	change.Before = first.Before
	switch {
	case errors.Is(err, errUnchanged) && attempts == 1:
		return change, nil
	case err != nil && !errors.Is(err, errUnchanged):
		return change, err
	}
	if change.After, err = a.read(ctx); err != nil {
		return change, fmt.Errorf("the list was sent, and could not be read again: %w", err)
	}
	if differences := change.strayed(); len(differences) > 0 {
		return change, &StoredOtherwise{Host: a.api.client.Registry.Host, Robot: a.robot, Differences: differences}
	}
	return change, nil
}

// Plan is what an edit would change now.
func (a *Account) Plan(ctx context.Context, edit Edit) (Change, error) {
	var change Change
	var err error
	if change.Before, err = a.Federation(ctx); err != nil {
		return change, err
	}
	change.Wanted, err = edit(change.Before)
	return change, err
}

// Create makes the robot account; an existing one is fine. It ignores Quay's answer,
// which holds the robot's permanent password. A user's own robot can be created only at
// the personal address, with the scope user:admin.
func (a *Account) Create(ctx context.Context, description string) error {
	body := encoded(map[string]string{"description": description})
	_, err := a.api.ask(ctx, http.MethodPut, a.base, body)
	var refusal *Refusal
	if errors.As(err, &refusal) && strings.HasPrefix(refusal.Message, "Organization does not exist") && a.own(ctx) {
		_, err = a.api.ask(ctx, http.MethodPut, a.personal(), body)
	}
	if errors.As(err, &refusal) && strings.HasPrefix(refusal.Message, "Existing robot with name") {
		return nil
	}
	return err
}
