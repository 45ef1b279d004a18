// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Edit turns the stored list into the wanted one. It is called several times, and returns
// a list in which nothing is left to do as it is.
type Edit func(stored Entries) (wanted Entries, err error)

// Change is what an [Edit] did to a robot's federation entries.
type Change struct {
	Before, Wanted Entries
	// After is what Quay has now; nil if nothing was sent.
	After Entries
}

// Differences lists what the edit changes.
func (c Change) Differences() []Difference { return Compare(c.Before, c.Wanted) }

// Foreign lists what other clients changed at the same moment.
func (c Change) Foreign() []Difference {
	ours := c.Differences()
	return slices.DeleteFunc(Compare(c.Wanted, c.After), func(d Difference) bool { return d.Field != "" || concerned(ours, d) })
}

// strayed lists where Quay stores something else than it was sent. It ignores what Quay
// itself adds: id, version, default audiences.
func (c Change) strayed(stored Entries) []Difference {
	touched := c.Differences()
	created := slices.DeleteFunc(slices.Clone(touched), func(d Difference) bool { return !d.Added })
	return slices.DeleteFunc(Compare(c.Wanted, stored), func(d Difference) bool {
		switch d.Field {
		case "id":
			return d.Old == nil
		case "version":
			return d.Old == nil || concerned(touched, d)
		case "audiences":
			return d.Old == nil && concerned(created, d)
		}
		return false
	})
}

// StoredOtherwise is the error of a Quay that stored other federation entries than it was
// sent.
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

// Overwritten is the error of a change that other clients overwrote each time it was
// saved. Quay answered 200 to every save.
type Overwritten struct {
	Host  string
	Robot Robot
	Tries int
}

// Error is the text.
func (o *Overwritten) Error() string {
	return fmt.Sprintf("the change of %s at %s was overwritten by other clients each of %d times", o.Robot, o.Host, o.Tries)
}

// The limits of an edit. With 8 writers at once, 5 tries were enough for all.
const (
	maxTries    = 8
	maxEditing  = 2 * time.Minute
	shortestGap = 500 * time.Millisecond
	longestGap  = 15 * time.Second
)

// EditFederation changes the robot's federation entries. Quay's API replaces the whole
// list, has no compare-and-swap and answers 200 to a save that the next one overwrites.
// So each try reads the list, edits it and sends it at once. It reads the list again after
// a while, in which others that read the old list have sent theirs. If something is left
// to change, it waits at random and tries again. It sends nothing if the edit changes
// nothing. A later try that finds nothing to send waits all the same: another client put
// the change back, and a third may have read the list without it.
//
// The errors are also [*StoredOtherwise], with the Change, and [*Overwritten].
func (a *Account) EditFederation(ctx context.Context, edit Edit) (Change, error) {
	clock, host := a.api.Endpoint.Clock, a.api.Registry.Host
	begin := clock.Now()
	var before Entries
	var strayed []Difference
	var took time.Duration // the longest from reading to sending
	for try := 1; ; try++ {
		started := clock.Now()
		change, stored, err := a.save(ctx, edit)
		took = max(took, clock.Now().Sub(started))
		if strayed == nil && stored != nil {
			strayed = change.strayed(stored)
		}
		if try == 1 {
			before = change.Before
		}
		if change.Before = before; err != nil || try == 1 && stored == nil {
			return change, err
		}
		left, err := a.left(ctx, &change, edit, max(shortestGap, took*3/2)+rand.N(took/2+1))
		switch {
		case err != nil:
			return change, err
		case len(strayed) > 0 && !slices.ContainsFunc(left, func(l Difference) bool { return !concerned(strayed, l) }):
			return change, &StoredOtherwise{Host: host, Robot: a.robot, Differences: strayed}
		case len(left) == 0:
			return change, nil
		case try == maxTries || clock.Now().Sub(begin) > maxEditing:
			return change, &Overwritten{Host: host, Robot: a.robot, Tries: try}
		}
		if err := clock.Sleep(ctx, rand.N(min(longestGap, max(took, shortestGap)<<try))); err != nil {
			return change, err
		}
	}
}

// concerned reports whether one of the differences is about the same entry.
func concerned(differences []Difference, d Difference) bool {
	return slices.ContainsFunc(differences, func(other Difference) bool { return other.Entry.Same(d.Entry.Issuer, d.Entry.Subject) })
}

// left waits, reads what a save led to, and returns what is left to change. If others
// have saved meanwhile it looks twice: one of them may have put the change back, and
// another may overwrite it again.
func (a *Account) left(ctx context.Context, change *Change, edit Edit, wait time.Duration) ([]Difference, error) {
	for look := 1; ; look++ {
		err := a.api.Endpoint.Clock.Sleep(ctx, wait)
		if err == nil {
			change.After, err = a.Federation(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("the list was sent, and could not be read again: %w", err)
		}
		wanted, err := edit(change.After)
		left := Compare(change.After, wanted)
		if err != nil || len(left) > 0 || look == 2 || len(change.Foreign()) == 0 {
			return left, err
		}
	}
}

// errUnchanged ends an edit that has nothing to send.
var errUnchanged = errors.New("nothing changes")

// save is one try: it reads, edits and sends. Each attempt to send reads again, because
// one that got no answer may have done it. It returns the list in Quay's answer, or nil if
// nothing was sent.
func (a *Account) save(ctx context.Context, edit Edit) (Change, Entries, error) {
	var change Change
	var before Entries
	sent := false
	answer, err := a.api.do(ctx, func(ctx context.Context) (*http.Request, error) {
		var err error
		if change, err = a.Plan(ctx, edit); err != nil {
			return nil, err
		}
		if !sent {
			before = change.Before
		}
		if len(change.Differences()) == 0 {
			return nil, errUnchanged
		}
		sent = true
		path := a.api.base(ctx, a.robot.Namespace) + "/" + a.robot.Name + "/federation" // which Plan found
		return a.api.request(http.MethodPost, path, change.Wanted), nil
	})
	change.Before = before
	switch {
	case errors.Is(err, errUnchanged) && sent:
		return change, change.Wanted, nil
	case errors.Is(err, errUnchanged):
		return change, nil, nil
	}
	stored, err := a.entries(answer, err)
	return change, stored, err
}

// Plan is what an edit would change now. Of equal entries it keeps the first, because the
// API refuses a list that has one twice.
func (a *Account) Plan(ctx context.Context, edit Edit) (Change, error) {
	var change Change
	var err error
	if change.Before, err = a.Federation(ctx); err != nil {
		return change, err
	}
	if change.Wanted, err = edit(change.Before); err != nil {
		return change, err
	}
	change.Wanted = change.Wanted.Distinct()
	return change, nil
}
