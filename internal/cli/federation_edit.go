// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"quay-keyless/internal/host"
	"quay-keyless/internal/quay"
)

// editFlags is what federation add and remove can be told alike.
type editFlags struct {
	apiFlags
	entryFlags
	dryRun, dropAudiences bool
	removes               bool
}

func (a *app) federationAdd() *cobra.Command {
	var flags editFlags
	command := &cobra.Command{
		Use:   "add [REGISTRY] --robot ORG+NAME --from-token | --github OWNER/REPO ... | --issuer URL --subject SUBJECT",
		Short: "Have a robot trust one more ID token",
		Long: `Add a federation entry to a robot account. The other entries stay as they are,
whatever is in them; one that is there already is left alone and nothing is sent.` + variables,
		Example: `  quay-keyless federation add --robot acme+ci --github acme/app --ref main
  quay-keyless federation add --robot acme+ci --from-token --dry-run`,
		Args: oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			if err := flags.checkNew(); err != nil {
				return &usageError{err: err}
			}
			return a.runFederationEdit(command.Context(), flags, a.registryArgument(args))
		},
	}
	flags.addTo(command.Flags())
	return command
}

func (a *app) federationRemove() *cobra.Command {
	flags := editFlags{removes: true}
	command := &cobra.Command{
		Use:   "remove [REGISTRY] --robot ORG+NAME --from-token | --github OWNER/REPO ... | --issuer URL --subject SUBJECT",
		Short: "Have a robot no longer trust an ID token",
		Long: `Remove a federation entry from a robot account. Exchanges with it stop at once;
robot tokens that were given before live on for up to an hour.` + variables,
		Example: `  quay-keyless federation remove --robot acme+ci --github acme/app --ref main`,
		Args:    oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			if err := flags.check(); err != nil {
				return &usageError{err: err}
			}
			return a.runFederationEdit(command.Context(), flags, a.registryArgument(args))
		},
	}
	flags.addTo(command.Flags())
	return command
}

func (f *editFlags) addTo(flags flagSet) {
	f.apiFlags.addTo(flags)
	f.identityFlags.addTo(flags)
	f.entryFlags.addTo(flags)
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would change, and send nothing")
	flags.BoolVar(&f.dropAudiences, "drop-audiences", false, "let Quay drop the audiences of stored entries, where it would at any save")
}

// adds is the list with the entry, and removes without it.
func adds(stored quay.Entries, e wantedEntry) quay.Entries {
	entry, there := stored.Find(e.issuer, e.subject)
	switch {
	case !there:
		return stored.With(quay.NewEntry(e.issuer, e.subject, e.sent()...))
	case e.explicit && !e.takenBy(entry):
		return stored.With(entry.WithAudiences(e.audiences))
	}
	return stored
}

func removes(stored quay.Entries, e wantedEntry) quay.Entries {
	return stored.Without(e.issuer, e.subject)
}

// runFederationEdit adds or removes one entry.
func (a *app) runFederationEdit(ctx context.Context, flags editFlags, registry string) error {
	edit := adds
	if flags.removes {
		edit = removes
	}
	t, err := flags.target(registry)
	if err != nil {
		return &usageError{err: err}
	}
	return a.managing(ctx, flags.apiFlags, t, func(ctx context.Context, api *quay.API) error {
		entry, err := a.wantedEntry(ctx, flags, t)
		if err != nil {
			return err
		}
		if !flags.removes { // else where there is no such entry, see sayEdit
			entry.warnOfAssumption(a.host)
			entry.assumed = nil
		}
		account, guarded := api.Account(t.robot), guard(t, flags.dropAudiences, func(stored quay.Entries) quay.Entries { return edit(stored, entry) })
		if flags.dryRun {
			return a.dryEdit(ctx, account, t, entry, guarded)
		}
		change, err := account.EditFederation(ctx, guarded)
		if err = a.judge(t, entry, flags.dropAudiences, change, err); err != nil {
			return err
		}
		a.sayEdit(t, entry, change)
		return nil
	})
}

// guard refuses an edit that would cost other entries their audiences.
func guard(t target, drop bool, edit func(quay.Entries) quay.Entries) quay.Edit {
	return func(stored quay.Entries) (quay.Entries, error) {
		wanted := edit(stored)
		if len(quay.Compare(stored, wanted)) == 0 || drop {
			return wanted, nil
		}
		var lost []quay.Entry
		for _, d := range lossesIn(quay.Change{Before: stored, Wanted: wanted}) {
			lost = append(lost, d.Entry)
		}
		if len(lost) > 0 {
			return nil, &lostAudiences{target: t, entries: lost}
		}
		return wanted, nil
	}
}

// dryEdit prints what would change.
func (a *app) dryEdit(ctx context.Context, account *quay.Account, t target, entry wantedEntry, edit quay.Edit) error {
	change, err := account.Plan(ctx, edit)
	if err != nil {
		return apiError(t, err)
	}
	if len(change.Differences()) == 0 {
		a.sayEdit(t, entry, change)
		return nil
	}
	for _, d := range append(change.Differences(), lossesIn(change)...) {
		if _, err := fmt.Fprintln(a.env.Stdout, a.secrets.Line(d.String())); err != nil {
			return err
		}
	}
	a.host.Notice("nothing was sent: --dry-run")
	return nil
}

// lossesIn are the audiences that Quay will drop when the change is saved.
func lossesIn(change quay.Change) []quay.Difference {
	var losses []quay.Difference
	for _, entry := range change.Wanted {
		if old, there := change.Before.Find(entry.Issuer, entry.Subject); there && old.LosesAudiences() {
			losses = append(losses, quay.Difference{Entry: old, Field: "audiences", Old: old.Fields()["audiences"]})
		}
	}
	return losses
}

// sayEdit says what was changed.
func (a *app) sayEdit(t target, entry wantedEntry, change quay.Change) {
	differences := change.Differences()
	if len(differences) == 0 {
		entry.warnOfAssumption(a.host) // the one to remove may be there in the other form
		a.host.Notice(fmt.Sprintf("nothing to change: the federation of %s at %s is as asked", t.robot, t.registry.Host))
		return
	}
	a.host.Notice(fmt.Sprintf("changed the federation of %s at %s:", t.robot, t.registry.Host))
	for _, d := range differences {
		a.host.Notice(d.String())
	}
}

// apiError gives an error of the API what its hints need, if it is one.
func apiError(t target, err error) error {
	var lost *lostAudiences
	if err == nil || errors.As(err, &lost) {
		return err
	}
	return &refusedAPI{target: t, scopes: scopeOrganization, err: err}
}

// judge looks at what an edit of the federation came to. What is stored and was
// not sent is an error, but for what the user agreed to, what this program did
// not insist on, and an entry that somebody else has added since.
func (a *app) judge(t target, wanted wantedEntry, drop bool, change quay.Change, err error) error {
	var otherwise *quay.StoredOtherwise
	if !errors.As(err, &otherwise) {
		if err == nil {
			a.warnOfAudience(t, wanted, change)
		}
		return apiError(t, err)
	}
	var left []quay.Difference
	for _, d := range otherwise.Differences {
		lost := d.Field == "audiences" && d.New == nil
		old, before := change.Before.Find(d.Entry.Issuer, d.Entry.Subject)
		switch {
		case d.Added && !d.Entry.Same(wanted.issuer, wanted.subject): // else it is the one to remove
			a.host.Warn(host.Message{Text: fmt.Sprintf("somebody else changed the federation of %s at the same moment: %s", t.robot, d)})
		case lost && drop && before && old.LosesAudiences():
			a.host.Notice(fmt.Sprintf("dropped by Quay: %s", d))
		case lost && !wanted.explicit && d.Entry.Same(wanted.issuer, wanted.subject):
			// which warnOfAudience says
		default:
			left = append(left, d)
		}
	}
	if len(left) > 0 {
		return apiError(t, &quay.StoredOtherwise{Host: otherwise.Host, Robot: otherwise.Robot, Differences: left})
	}
	a.warnOfAudience(t, wanted, change)
	return nil
}

// warnOfAudience says where the entry takes other ID tokens than was asked for.
func (a *app) warnOfAudience(t target, wanted wantedEntry, change quay.Change) {
	stored := change.After
	if stored == nil {
		stored = change.Before
	}
	entry, there := stored.Find(wanted.issuer, wanted.subject)
	switch {
	case !there:
	case !entry.Restricted() && wanted.explicit:
		a.host.Warn(host.Message{Text: fmt.Sprintf("the entry takes any audience: the API of %s stores none, as up to Quay 3.18", t.registry.Host)})
	case !wanted.takenBy(entry):
		a.host.Warn(host.Message{
			Text:  fmt.Sprintf("the entry takes the audience %s, not %s", audiencesOf(entry), strings.Join(wanted.audiences, ", ")),
			Hints: []string{"have the job ask for that audience, or store another by --audience"},
		})
	}
}
