// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
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
	change, err := t.File.Set(ctx, entries...)
	if err == nil || change.Writes > 0 { // a wait after the write may have failed
		l.back = append(l.back, takeBack(l.Run, t.File, keys))
	}
	if err != nil {
		return err
	}
	l.wrote(t, change, "")
	ctx, cancel := toTheEnd(ctx)
	defer cancel()
	return forgetHelper(ctx, l.Run, t.File, helped...)
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
