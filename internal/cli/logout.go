// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/quay"
)

// logout is the command that undoes login.
func (a *app) logout() *cobra.Command {
	var paths []string
	command := &cobra.Command{
		Use:   "logout [REGISTRY[/ORG]]",
		Short: "Take the login out of the auth file and put back what was there before",
		Long: `Take the login out of the auth file and put back what was there before, where it
is still ours. Without REGISTRY: everything that this auth file got from us.` + variables,
		Args: oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			a.say()
			a.after = a.host.Name() == "github" // the action's post step
			registries := args
			if len(args) == 0 {
				registries = lines(a.env.Getenv("QUAY_REGISTRY"))
			}
			return a.runLogout(command.Context(), paths, registries)
		},
	}
	command.Flags().StringArrayVar(&paths, "authfile", nil, "the auth file at `PATH` and no other (repeatable)")
	return command
}

// logoutPatience is how long a logout waits for the auth file's lock, which
// others hold for milliseconds.
const logoutPatience = 30 * time.Second

// runLogout restores the registries' keys, or all that the file's state knows.
func (a *app) runLogout(ctx context.Context, paths, registries []string) error {
	var keys []string
	for _, registry := range registries {
		parsed, err := quay.ParseRegistry(registry)
		if err != nil {
			return &usageError{err: err}
		}
		keys = append(keys, parsed.Key())
	}
	files, err := a.authFiles(paths)
	if err != nil {
		return err
	}
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, logoutPatience, fmt.Errorf("waited %s for another login to end", logoutPatience))
	defer cancel()
	said := false
	var errs []error
	for _, file := range files {
		outcomes, err := a.logoutOf(ctx, file, keys)
		errs = append(errs, err)
		for _, outcome := range outcomes {
			if outcome.Result != authfile.Nothing {
				a.host.Notice(outcomeWords(outcome, file.Path()))
				said = true
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if !said {
		a.host.Notice("nothing to log out of: no login of ours is in " + strings.Join(files.paths(), ", "))
	}
	return nil
}

// logoutOf ends the login of the job that QUAY_HOLDER names, or all of ours in one
// auth file.
func (a *app) logoutOf(ctx context.Context, file authFile, keys []string) ([]authfile.Outcome, error) {
	if holder := a.env.Getenv("QUAY_HOLDER"); holder != "" {
		return a.logoutAs(ctx, holder, file, keys)
	}
	outcomes, change, err := file.Restore(ctx, keys...)
	return outcomes, a.loggedOut(ctx, file, keys, outcomes, change, err)
}

// logoutAs ends one job's login in an auth file.
func (a *app) logoutAs(ctx context.Context, holder string, file authFile, keys []string) ([]authfile.Outcome, error) {
	outcomes, change, err := file.Release(ctx, holder, a.env.Clock.Now(), keys...)
	return outcomes, a.loggedOut(ctx, file, keys, outcomes, change, err)
}

// loggedOut removes, after the auth file was put back and whatever signal came
// meanwhile, what belongs to its logins.
func (a *app) loggedOut(ctx context.Context, file authFile, keys []string, outcomes []authfile.Outcome, change authfile.Change, err error) error {
	if err == nil {
		end, cancel := toTheEnd(ctx)
		defer cancel()
		ctx = end
	}
	err = errors.Join(err, a.removeCA(file.Path(), keys, outcomes))
	err = errors.Join(err, a.forgetHelper(ctx, file, forgettable(outcomes)...))
	warnOfChange(a.host, file.Path(), change)
	return err
}

// outcomeWords says what became of one key.
func outcomeWords(outcome authfile.Outcome, path string) string {
	switch outcome.Result {
	case authfile.Restored:
		return fmt.Sprintf("logged out of %s: the login that was in %s before is back", outcome.Key, path)
	case authfile.Removed:
		return fmt.Sprintf("logged out of %s: removed from %s", outcome.Key, path)
	case authfile.NotOurs:
		return fmt.Sprintf("left %s in %s: another login has replaced ours", outcome.Key, path)
	case authfile.Held:
		return fmt.Sprintf("left %s in %s for another job that is logged in there", outcome.Key, path)
	case authfile.Gone:
		return fmt.Sprintf("logged out of %s already: it is no longer in %s", outcome.Key, path)
	}
	return fmt.Sprintf("left %s in %s as it is: nothing is known of a login of ours", outcome.Key, path)
}
