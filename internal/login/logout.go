// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// logoutPatience is how long a logout waits for the auth file's lock. Others hold it for
// milliseconds.
const logoutPatience = 30 * time.Second

// Logout restores the keys of these registries, or all that the record knows.
func Logout(ctx context.Context, run *process.Run, paths, registries []string) error {
	var keys []string
	for _, registry := range registries {
		parsed, err := quay.ParseRegistry(registry)
		if err != nil {
			return &request.UsageError{Err: err}
		}
		keys = append(keys, parsed.Key())
	}
	files, err := openFiles(run, paths)
	if err != nil {
		return err
	}
	ctx, stop := run.Env.Interruptible(ctx)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, logoutPatience, fmt.Errorf("waited %s for another login to end", logoutPatience))
	defer cancel()
	said := false
	var errs []error
	for _, file := range files {
		outcomes, err := logoutOf(ctx, run, file, keys)
		errs = append(errs, err)
		for _, outcome := range outcomes {
			if outcome.Result != authfile.Nothing {
				run.Platform.Notice(outcomeWords(outcome, file.Path()))
				said = true
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if !said {
		run.Platform.Notice("nothing to log out of: no login of ours is in " + strings.Join(files.paths(), ", "))
	}
	return nil
}

// logoutOf logs out of one auth file: the job that QUAY_HOLDER names, or all of our
// logins.
func logoutOf(ctx context.Context, run *process.Run, file AuthFile, keys []string) ([]authfile.Outcome, error) {
	if holder := run.Env.Getenv("QUAY_HOLDER"); holder != "" {
		return logoutAs(ctx, run, holder, file, keys)
	}
	outcomes, change, err := file.Restore(ctx, keys...)
	return outcomes, loggedOut(ctx, run, file, keys, outcomes, change, err)
}

// logoutAs ends one job's login in an auth file.
func logoutAs(ctx context.Context, run *process.Run, holder string, file AuthFile, keys []string) ([]authfile.Outcome, error) {
	outcomes, change, err := file.Release(ctx, holder, run.Env.Clock.Now(), keys...)
	return outcomes, loggedOut(ctx, run, file, keys, outcomes, change, err)
}

// loggedOut removes what belongs to the logins after the auth file was restored, even
// after a signal. After an error the logins may still need it.
func loggedOut(ctx context.Context, run *process.Run, file AuthFile, keys []string, outcomes []authfile.Outcome, change authfile.Change, err error) error {
	defer warnOfChange(run.Platform, file.Path(), change)
	if err != nil {
		return err
	}
	ctx, cancel := toTheEnd(ctx)
	defer cancel()
	defer leave(run, change.Folder)
	err = removeCA(ctx, run, file, keys)
	return errors.Join(err, forgetHelper(ctx, run, file, forgettable(outcomes)...))
}

// outcomeWords says what happened to one key.
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
