// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
)

// writeLogins writes the logins to one file. If an earlier login of ours had put the
// helper there, it removes the helper's settings.
func (l *login) writeLogins(ctx context.Context, t lookup.Target) error {
	var keys, helped []string
	entries := l.entries(t)
	for _, entry := range entries {
		keys = append(keys, entry.Key)
	}
	for _, host := range hostsOf(l.targets) { // cannot be known after the write
		if ours, _, err := t.File.Helper(host, ""); err == nil && ours {
			helped = append(helped, host)
		}
	}
	change, err := l.put(ctx, t.File, entries, keys)
	if err != nil {
		return err
	}
	l.wrote(t, change, "")
	ctx, cancel := toTheEnd(ctx)
	defer cancel()
	return forgetHelper(ctx, l.Run, t.File, helped...)
}

// put writes entries into a file, and notes how to undo those under keys.
func (l *login) put(ctx context.Context, file *authfile.File, entries []authfile.Entry, keys []string) (authfile.Change, error) {
	change, err := file.Set(ctx, entries...)
	if len(keys) > 0 && (err == nil || change.Writes > 0) { // a wait after the write may have failed
		l.back = append(l.back, takeBack(l.Run, file, keys))
	}
	return change, err
}

// entries are the logins as this auth file holds them, until each token expires.
func (l *login) entries(t lookup.Target) []authfile.Entry {
	var list []authfile.Entry
	for i, token := range l.tokens {
		entry := authfile.Entry{Key: t.Names[i], User: token.Robot.String(), Token: token.Token, Hold: hold(l.Run, token.Left)}
		if entry.Key != token.Registry.Key() {
			entry.Org = token.Registry.Namespace
		}
		if entry.Key != "" {
			list = append(list, entry)
		}
	}
	return list
}

// hold says which job needs the login and until when, by the local clock, because logout
// uses that clock. It lasts at most quay.LongestLife.
func hold(run *process.Run, left time.Duration) authfile.Hold {
	now := run.Env.Clock.Now()
	return authfile.Hold{By: platform.Holder(run.Env.Getenv), From: now, Until: now.Add(min(left, quay.LongestLife))}
}

// wrote says where a login is now, and which tools look there.
func (l *login) wrote(t lookup.Target, change authfile.Change, beside string) {
	if change.InPlace {
		beside = " (in place, because it cannot be replaced there)" + beside
	}
	l.Platform.Notice("wrote " + l.plan.Where(t) + beside)
	warnOfChange(l.Platform, t.File.Path(), change)
}

// warnOfChange says what the user should know about a change to an auth file.
func warnOfChange(say platform.Platform, path string, change authfile.Change) {
	if change.RecordLost {
		say.Warn(platform.Message{Text: "the record beside " + path + " was damaged: logout cannot restore what earlier logins replaced there"})
	}
	if change.Exposed {
		say.Warn(platform.Message{
			Text:  "every user on this machine can read " + path,
			Steps: []platform.Step{{Text: "If no other user needs it:", Command: "chmod 600 " + platform.Shell(path)}},
		})
	}
	if change.NoLocks {
		say.Warn(platform.Message{Text: "the file system of " + path + " has no locks: jobs that log in there at the same time can lose their logins"})
	}
	if change.BroughtBack {
		say.Notice("another tool wrote the login back to " + path + ": removed it again")
	}
}

// surround adds to copied logins the settings of our helper, and to an isolated login what
// else tools find in docker's folder.
func (l *login) surround(ctx context.Context) error {
	for _, target := range l.plan.Files {
		settings := map[string]credhelper.Settings{}
		for _, host := range target.OwnHelpers {
			if found, err := credhelper.Find(Place(l.Run), host); err == nil {
				settings[host] = found
			}
		}
		if len(settings) == 0 {
			continue
		}
		store := credhelper.Beside(target.File.Path(), l.Env.Trust)
		if _, err := store.Set(ctx, settings, nil, func() error { return nil }); err != nil {
			return err
		}
	}
	if l.plan.Folder == nil {
		return nil
	}
	if err := l.plan.Folder.Link(); err != nil {
		l.Platform.Warn(platform.Message{Text: "docker's settings are copied, but not its contexts and plugins: " + err.Error()})
	}
	return nil
}

// rollback lists the steps that undo a login that fails later. A step's error says what
// is left, and where.
type rollback []func(context.Context) error

// undoPatience limits a rollback.
const undoPatience = 5 * time.Second

// toTheEnd returns a context for cleanup after the main work is done: ctx's deadline ends
// it, a signal does not.
func toTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	detached := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadlineCause(detached, deadline, errors.New("waited as long as this may take"))
	}
	return context.WithTimeout(detached, undoPatience)
}

// run undoes the steps, the last one first, and says so only if nothing is left. It
// ignores that ctx may have ended.
func (u rollback) run(ctx context.Context, say platform.Platform) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	left := false
	for _, undo := range slices.Backward(u) {
		if err := undo(ctx); err != nil {
			left = true
			say.Warn(platform.Message{Text: err.Error()})
		}
	}
	if len(u) > 0 && !left {
		say.Notice("removed the login again")
	}
}

// takeBack is the step for one auth file. It logs this job out, so that it keeps what
// other tools wrote since.
func takeBack(run *process.Run, file *authfile.File, keys []string) func(context.Context) error {
	return func(ctx context.Context) error {
		own := platform.Holder(run.Env.Getenv)
		outcomes, err := logoutAs(ctx, run, own, file, keys)
		if err != nil {
			return fmt.Errorf("the login may still be in %s: %w", file.Path(), err)
		}
		var stayed []string
		for _, outcome := range outcomes {
			if slices.Contains([]authfile.Result{authfile.Held, authfile.NotOurs, authfile.Unknown}, outcome.Result) {
				stayed = append(stayed, sentence(outcome, file.Path()))
			}
		}
		if len(stayed) > 0 {
			return errors.New(strings.Join(stayed, "; "))
		}
		return nil
	}
}
