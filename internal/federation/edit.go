// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
	"quay-keyless/internal/subject"
)

// EditFlags are the flags that federation add, remove and setup share.
type EditFlags struct {
	request.APIFlags
	subject.Flags
	DryRun, DropAudiences bool
	Removes, IfExists     bool
}

// AddTo declares the flags.
func (f *EditFlags) AddTo(flags request.FlagSet) {
	f.APIFlags.AddTo(flags)
	f.IdentityFlags.AddTo(flags)
	f.Editing(flags)
	f.Flags.AddTo(flags)
	flags.BoolVar(&f.DryRun, "dry-run", false, "print what would change, and send nothing")
	flags.BoolVar(&f.DropAudiences, "drop-audiences", false, "accept that Quay drops stored audiences")
}

// adds returns the list with the entry.
func adds(stored quay.Entries, e WantedEntry) quay.Entries {
	entry, there := stored.Find(e.issuer, e.subject)
	switch {
	case !there:
		return stored.With(quay.NewEntry(e.issuer, e.subject, e.sent()...))
	case e.explicit && !e.takenBy(entry):
		return stored.With(entry.WithAudiences(e.audiences))
	}
	return stored
}

// removes returns an edit that removes the entry. Of several equal ones, which Quay's API
// does not make, it keeps one.
func removes(e WantedEntry) func(quay.Entries) quay.Entries {
	several := false
	return func(stored quay.Entries) quay.Entries {
		if several = several || stored.Count(e.issuer, e.subject) > 1; several {
			return stored.Distinct()
		}
		return stored.Without(e.issuer, e.subject)
	}
}

// EditEntry adds or removes one entry.
func EditEntry(ctx context.Context, run *process.Run, flags EditFlags, registry string) error {
	t, err := flags.Target(registry)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	return WithAPI(ctx, run, flags.APIFlags, t, func(ctx context.Context, api *quay.API) error {
		entry, err := ResolveEntry(ctx, run, flags, t)
		if err != nil {
			return err
		}
		edit := removes(entry)
		if !flags.Removes { // sayEdit does it for remove
			edit = func(stored quay.Entries) quay.Entries { return adds(stored, entry) }
			entry.WarnOfAssumption(run.Platform)
			entry.WarnOfRisks(run.Platform, t, true)
			entry.assumed = nil
		}
		account, guarded := api.Account(t.Robot), guard(t, flags.DropAudiences, edit)
		var change quay.Change
		if flags.DryRun {
			change, err = dryEdit(ctx, run, account, t, guarded)
		} else {
			change, err = account.EditFederation(ctx, guarded)
			err = Judge(run, t, entry, flags.DropAudiences, change, err)
		}
		if err != nil || flags.DryRun && len(change.Differences()) > 0 {
			return err
		}
		if flags.Removes {
			return sayRemoved(run, t, entry, change, flags.IfExists)
		}
		sayEdit(run, t, entry, change)
		return nil
	})
}

// sayRemoved says what was removed. An entry that was not there is an error, because one
// that looks the same may still let jobs in.
func sayRemoved(run *process.Run, t request.Target, entry WantedEntry, change quay.Change, mayMiss bool) error {
	count := change.Before.Count(entry.issuer, entry.subject)
	if count == 0 && !mayMiss {
		entry.WarnOfAssumption(run.Platform) // the entry may have the other form of the subject
		return &NoEntry{Target: t, Stored: change.Before, Issuer: entry.issuer, Subject: entry.subject}
	}
	sayEdit(run, t, entry, change)
	if count > 1 {
		run.Platform.Warn(platform.Message{
			Text:  fmt.Sprintf("%s had this entry %d times and still has it once, so its jobs can still log in", t.Robot, count),
			Hints: []string{"to remove it too, run the same command again"},
		})
	}
	return nil
}

// guard refuses an edit that would drop the audiences of other entries.
func guard(t request.Target, drop bool, edit func(quay.Entries) quay.Entries) quay.Edit {
	return func(stored quay.Entries) (quay.Entries, error) {
		wanted := edit(stored).Distinct()
		if len(quay.Compare(stored, wanted)) == 0 || drop {
			return wanted, nil
		}
		var lost []quay.Entry
		for _, d := range Losses(quay.Change{Before: stored, Wanted: wanted}) {
			lost = append(lost, d.Entry)
		}
		if len(lost) > 0 {
			return nil, &LostAudiences{Target: t, Entries: lost}
		}
		return wanted, nil
	}
}

// dryEdit prints what would change.
func dryEdit(ctx context.Context, run *process.Run, account *quay.Account, t request.Target, edit quay.Edit) (quay.Change, error) {
	change, err := account.Plan(ctx, edit)
	if err != nil || len(change.Differences()) == 0 {
		return change, apiError(t, err)
	}
	for _, d := range append(change.Differences(), Losses(change)...) {
		if _, err := fmt.Fprintln(run.Env.Stdout, run.Secrets.Line(d.String())); err != nil {
			return change, err
		}
	}
	run.Platform.Notice("nothing was sent: --dry-run")
	return change, nil
}

// Losses are the audiences that Quay will drop when it saves the change.
func Losses(change quay.Change) []quay.Difference {
	var losses []quay.Difference
	for _, entry := range change.Wanted {
		if old, there := change.Before.Find(entry.Issuer, entry.Subject); there && old.LosesAudiences() {
			losses = append(losses, quay.Difference{Entry: old, Field: "audiences", Old: old.Fields()["audiences"]})
		}
	}
	return losses
}

// sayEdit says what was changed.
func sayEdit(run *process.Run, t request.Target, entry WantedEntry, change quay.Change) {
	differences := change.Differences()
	if len(differences) == 0 {
		entry.WarnOfAssumption(run.Platform) // the entry may have the other form of the subject
		run.Platform.Notice(fmt.Sprintf("nothing to change: the federation of %s at %s is as asked", t.Robot, t.Registry.Host))
		return
	}
	run.Platform.Notice(fmt.Sprintf("changed the federation of %s at %s:", t.Robot, t.Registry.Host))
	for _, d := range differences {
		if stored, there := change.After.Find(d.Entry.Issuer, d.Entry.Subject); d.Added && there {
			d.Entry = quay.NewEntry(stored.Issuer, stored.Subject, stored.Audiences...) // which Quay may have added
		}
		run.Platform.Notice(d.String())
	}
}

// apiError adds what the hints need to an error of the API.
func apiError(t request.Target, err error) error {
	var lost *LostAudiences
	if err == nil || errors.As(err, &lost) {
		return err
	}
	return &RefusedAPI{Target: t, Scopes: ScopeOrganization, Err: err}
}

// Judge compares what Quay stored with what was sent. A difference is an error, unless
// the user agreed to it, or did not ask for that audience.
func Judge(run *process.Run, t request.Target, wanted WantedEntry, drop bool, change quay.Change, err error) error {
	var otherwise *quay.StoredOtherwise
	if err != nil && !errors.As(err, &otherwise) {
		return apiError(t, err)
	}
	if change.After != nil {
		for _, d := range change.Foreign() {
			run.Platform.Warn(platform.Message{Text: fmt.Sprintf("another client changed the federation of %s at the same moment: %s", t.Robot, d)})
		}
	}
	if otherwise != nil {
		left := *otherwise
		left.Differences = nil
		for _, d := range otherwise.Differences {
			lost := d.Field == "audiences" && d.New == nil
			old, before := change.Before.Find(d.Entry.Issuer, d.Entry.Subject)
			switch {
			case lost && drop && before && old.LosesAudiences():
				run.Platform.Notice(fmt.Sprintf("dropped by Quay: %s", d))
			case lost && !wanted.explicit && d.Entry.Same(wanted.issuer, wanted.subject):
				// which warnOfAudience says
			case d.Field == "audiences" && d.Old == nil:
				run.Platform.Warn(platform.Message{
					Text:  fmt.Sprintf("Quay now also checks the audience of an entry that had none: %s", d),
					Hints: []string{"if its jobs ask for another audience, store that: quay-keyless federation add with --audience, and its --issuer and --subject"},
				})
			default:
				left.Differences = append(left.Differences, d)
			}
		}
		if len(left.Differences) > 0 {
			return apiError(t, &left)
		}
	}
	WarnOfAudience(run, t, wanted, change)
	return nil
}

// WarnOfAudience warns if the entry accepts other ID tokens than the user asked for.
func WarnOfAudience(run *process.Run, t request.Target, wanted WantedEntry, change quay.Change) {
	stored := change.After
	if stored == nil {
		stored = change.Before
	}
	entry, there := stored.Find(wanted.issuer, wanted.subject)
	switch {
	case !there:
	case !entry.Restricted() && wanted.explicit:
		run.Platform.Warn(platform.Message{Text: fmt.Sprintf("the entry takes any audience: the API of %s stores none, as up to Quay 3.18", t.Registry.Host)})
	case !wanted.takenBy(entry):
		run.Platform.Warn(platform.Message{
			Text:  fmt.Sprintf("the entry takes the audience %s, not %s", audiencesOf(entry), strings.Join(wanted.audiences, ", ")),
			Hints: []string{"have the job ask for that audience, or store another by --audience"},
		})
	}
}
