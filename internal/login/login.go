// SPDX-License-Identifier: Apache-2.0

// Package login turns a registry and an ID token into robot tokens, writes them to where
// tools look, and undoes that. Start with [Login].
package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// Flags are the flags of login.
type Flags struct {
	request.ExchangeFlags
	PlaceFlags
	Helper                 helperFlags
	ExportToken, InstallCA bool
}

// Login is the flow: the user's targets, the files to write, the robot tokens (see
// [RobotTokens]: ID token, exchange, proof), the auth files, and what the platform hands on. It
// writes nothing until it has all robot tokens, and undoes everything if a later step
// fails.
func Login(ctx context.Context, run *process.Run, flags Flags, registry string) error {
	targets, err := flags.Targets(registry)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	if err := flags.check(targets, run.Env.Getenv); err != nil {
		return &request.UsageError{Err: err}
	}
	ctx, end := flags.Begin(ctx, run)
	defer end()
	if err := run.Platform.Ready(); err != nil {
		return err
	}
	warnOfFlags(run, flags)
	plan, err := Plan(run, flags, targets)
	if err != nil {
		return err
	}
	ca, err := newCAInstaller(ctx, run, flags, Planned(plan), targets)
	if err != nil {
		return err
	}
	logins, err := RobotTokens(ctx, run, flags.ExchangeFlags, targets)
	if err != nil {
		return err
	}
	result := result(run, flags, logins, plan)
	if err := run.Platform.Remember(result); err != nil {
		return err
	}
	var back rollback
	result.Path, err = write(ctx, run, flags, Planned(plan), logins, result.Exports, &back)
	if err == nil {
		err = surround(ctx, run, plan)
	}
	if err == nil {
		err = ca.install(run, targets)
	}
	if err == nil {
		err = run.Platform.Publish(ctx, result)
	}
	if err != nil { // the job will not count on this login
		back.run(ctx, run.Platform)
		return err
	}
	advise(run, flags, targets, result)
	sayLogins(run, flags, logins)
	return nil
}

// write puts the logins, or our helper, into the auth files, and notes in back how to
// undo that. It returns the folder to add to PATH, "" for none.
func write(ctx context.Context, run *process.Run, flags Flags, files AuthFiles, logins []RobotToken, exports []platform.Variable, back *rollback) (path string, err error) {
	if !flags.Helper.use {
		return "", setWithoutHelper(ctx, run, files, logins, back)
	}
	return setHelper(ctx, run, files, flags, logins, exports, back)
}

// sayLogins names each login and when it expires.
func sayLogins(run *process.Run, flags Flags, logins []RobotToken) {
	for _, login := range logins {
		if flags.Helper.use {
			run.Platform.Notice(fmt.Sprintf("logged in to %s as %s: tools get a fresh robot token each time they ask", login.Registry.Key(), login.Robot))
			continue
		}
		run.Platform.Notice(fmt.Sprintf("logged in to %s as %s until %s (%s)", login.Registry.Key(), login.Robot,
			login.ExpiresAt.UTC().Format("15:04 MST"), platform.Minutes(login.Left)))
		warnOfEnd(run, login)
	}
}

// shortLife is for logins that may expire before the next step ends.
const shortLife = 10 * time.Minute

// warnOfEnd warns if the job may run longer than its login.
func warnOfEnd(run *process.Run, login RobotToken) {
	end, known := platform.JobEnd(run.Env.Getenv)
	hints := []string{"--credential-helper gives tools a fresh robot token each time they ask"}
	switch {
	case login.Left < shortLife:
		run.Platform.Warn(platform.Message{Text: fmt.Sprintf("the login to %s ends in %s", login.Registry.Key(), platform.Minutes(login.Left)), Hints: hints})
	case known && login.ExpiresAt.Before(end):
		run.Platform.Warn(platform.Message{
			Text:  fmt.Sprintf("the login to %s ends at %s, and this job may run until %s", login.Registry.Key(), platform.FormatTime(login.ExpiresAt), platform.FormatTime(end)),
			Hints: hints,
		})
	}
}

// warnOfFlags warns of flags that surprise on this platform.
func warnOfFlags(run *process.Run, flags Flags) {
	if flags.ExportToken && !run.Platform.Can().HandOn {
		run.Platform.Warn(platform.Message{Text: "--export-token does nothing here: only a GitHub step has outputs", Hints: []string{"quay-keyless token prints the robot token"}})
	}
}

// check finds flags that exclude each other.
func (f *Flags) check(targets []request.Target, getenv func(string) string) error {
	if err := f.Helper.check(&f.ExchangeFlags, targets, getenv); err != nil {
		return err
	}
	switch {
	case f.ExportToken && len(targets) > 1:
		return errors.New("--export-token is for one robot, as a step has one output of that name")
	case len(request.Namespaced(targets)) > 0 && f.authFile == "" && !f.isolated:
		return errors.New("robots of several organizations on one registry need --authfile or --isolated: in docker's own file docker, crane and helm would take any of their logins")
	}
	return f.PlaceFlags.Check()
}

// warnOfNamespaces says what tools that ignore keys HOST/ORG do.
func warnOfNamespaces(run *process.Run, targets []request.Target, plan lookup.Plan) {
	kept := slices.ContainsFunc(plan.Conflicts, func(c lookup.Conflict) bool { return c.Kind == lookup.OtherLogin })
	switch {
	case len(request.Namespaced(targets)) > 0:
		run.Platform.Warn(platform.Message{Text: "docker, crane, helm and buildx know one login for each registry: in one file they use any of these logins, with --isolated none; podman, buildah and skopeo use the right one"})
	case targets[0].Registry.Namespace != "" && !kept:
		run.Platform.Warn(platform.Message{Text: fmt.Sprintf("docker, crane, helm and buildx use the login for %s for all of %s", targets[0].Registry.Key(), targets[0].Registry.Host)})
	}
}

// warnOfHidden says which logins our helper hides.
func warnOfHidden(run *process.Run, flags Flags, plan lookup.Plan) {
	for _, t := range plan.Files {
		if flags.Helper.use && len(t.Besides) > 0 {
			run.Platform.Warn(platform.Message{
				Text:  fmt.Sprintf("podman, buildah and skopeo ask the credential helper for the whole registry, so they lose the logins for %s in %s until logout", platform.Enumerated(t.Besides), t.File.Path()),
				Hints: []string{"log in to these with quay-keyless too, or without --credential-helper"},
			})
		}
	}
}

// result is what the platform hands on.
func result(run *process.Run, flags Flags, logins []RobotToken, plan lookup.Plan) platform.Result {
	result := platform.Result{AuthFiles: Planned(plan).paths(), Holder: platform.Holder(run.Env.Getenv), Exports: plan.Exports, Renews: flags.Helper.use}
	for _, login := range logins {
		handedOn := platform.Login{Registry: login.Registry.Key(), Username: login.Robot.String(), ExpiresAt: login.ExpiresAt}
		if flags.ExportToken {
			handedOn.Token = login.Token
		}
		result.Logins = append(result.Logins, handedOn)
	}
	return result
}

// entries are the logins as this auth file holds them, until each token expires.
func (f AuthFile) entries(run *process.Run, logins []RobotToken) []authfile.Entry {
	var list []authfile.Entry
	for i, login := range logins {
		entry := authfile.Entry{Key: f.names[i], User: login.Robot.String(), Token: login.Token, Hold: hold(run, login.Left)}
		if entry.Key != login.Registry.Key() {
			entry.Org = login.Registry.Namespace
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
