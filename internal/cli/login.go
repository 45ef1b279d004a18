// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/host"
	"quay-keyless/internal/quay"
)

// login is the command that everything else is for.
func (a *app) login() *cobra.Command {
	var flags loginFlags
	command := &cobra.Command{
		Use:   "login [REGISTRY[/ORG]] --robot ORG+NAME [--robot HOST/ORG+NAME ...]",
		Short: "Exchange this job's ID token and write the login to the auth file",
		Long: `Exchange this job's ID token for a robot token, prove that the registry takes it,
and write it to the auth file, from where podman, buildah, skopeo, docker and
other tools take it. REGISTRY is quay.io, another HOST[:PORT], or a URL.` + variables,
		Example: `  quay-keyless login --robot acme+ci
  quay-keyless login quay.example.com --robot acme+ci --check acme/app:push`,
		Args: oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			a.say()
			return a.runLogin(command.Context(), flags, a.registryArgument(args))
		},
	}
	flags.mintFlags.addTo(command.Flags())
	flags.placeFlags.addTo(command.Flags())
	flags.helper.addTo(command.Flags())
	command.Flags().BoolVar(&flags.installCA, "install-ca", false, "put the CA where podman, buildah and skopeo look for the registry's, until logout")
	command.Flags().BoolVar(&flags.exportToken, "export-token", false, "also hand the robot token on as the step's output (GitHub)")
	return command
}

type loginFlags struct {
	mintFlags
	placeFlags
	helper                 helperFlags
	exportToken, installCA bool
}

// runLogin is the flow: what the user named; where the logins will be written; the
// robot tokens (see [app.mint]: ID token, exchange, proof); the auth files; and what the
// host hands on. Until there is a robot token for each nothing is written, and what
// fails afterwards takes back what was.
func (a *app) runLogin(ctx context.Context, flags loginFlags, registry string) error {
	targets, err := flags.targets(registry)
	if err != nil {
		return &usageError{err: err}
	}
	if err := flags.check(targets, a.env.Getenv); err != nil {
		return &usageError{err: err}
	}
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.deadline(ctx)
	defer cancel()
	a.warnOfFlags(flags, targets)
	plan, err := a.plan(flags, keys(targets))
	if err != nil {
		return err
	}
	ca, err := a.caInstaller(ctx, flags, planned(plan), targets)
	if err != nil {
		return err
	}
	logins, err := a.mint(ctx, flags.mintFlags, targets)
	if err != nil {
		return err
	}
	result := a.result(flags, logins, plan)
	if err := a.host.Remember(result); err != nil {
		return err
	}
	var done undone
	result.Path, err = a.write(ctx, flags, planned(plan), logins, result.Exports, &done)
	if err == nil {
		err = ca.install(a, targets)
	}
	if err == nil {
		err = a.host.Publish(ctx, result)
	}
	if err != nil { // the job takes this for no login
		done.all(ctx, a.host)
		return err
	}
	a.advise(flags, targets, result)
	a.sayLogins(flags, logins)
	return nil
}

// write puts the logins into the auth files, or our helper in their place, and
// notes in done how to take that back. It gives the folder that belongs on PATH,
// if one does.
func (a *app) write(ctx context.Context, flags loginFlags, files authFiles, logins []minted, exports []host.Variable, done *undone) (path string, err error) {
	if !flags.helper.use {
		return "", a.setWithoutHelper(ctx, files, a.entries(logins), done)
	}
	return a.setHelper(ctx, files, flags, logins, exports, done)
}

// sayLogins says who is logged in now, and for how long.
func (a *app) sayLogins(flags loginFlags, logins []minted) {
	for _, login := range logins {
		if flags.helper.use {
			a.host.Notice(fmt.Sprintf("logged in to %s as %s: tools get a fresh robot token each time they ask", login.registry.Key(), login.robot))
			continue
		}
		a.host.Notice(fmt.Sprintf("logged in to %s as %s until %s (%s)", login.registry.Key(), login.robot,
			login.expiresAt.UTC().Format("15:04 MST"), minutes(login.left)))
		a.warnOfEnd(login)
	}
}

// shortLife is a login that the next step may already outlive.
const shortLife = 10 * time.Minute

// warnOfEnd says that a job may outlive its login.
func (a *app) warnOfEnd(login minted) {
	end, known := host.JobEnd(a.env.Getenv)
	hints := []string{"--credential-helper gives tools a fresh robot token each time they ask"}
	switch {
	case login.left < shortLife:
		a.host.Warn(host.Message{Text: fmt.Sprintf("the login to %s ends in %s", login.registry.Key(), minutes(login.left)), Hints: hints})
	case known && login.expiresAt.Before(end):
		a.host.Warn(host.Message{
			Text:  fmt.Sprintf("the login to %s ends at %s, and this job may run until %s", login.registry.Key(), clock(login.expiresAt), clock(end)),
			Hints: hints,
		})
	}
}

// warnOfFlags says what the user's choices mean here.
func (a *app) warnOfFlags(flags loginFlags, targets []target) {
	a.warnOfNamespaces(targets)
	if flags.exportToken && a.host.Name() != "github" {
		a.host.Warn(host.Message{Text: "--export-token does nothing here: only a GitHub step has outputs", Hints: []string{"quay-keyless token prints the robot token"}})
	}
}

// check finds what goes together only in other ways.
func (f *loginFlags) check(targets []target, getenv func(string) string) error {
	if err := f.helper.check(&f.mintFlags, targets, getenv); err != nil {
		return err
	}
	switch {
	case f.exportToken && len(targets) > 1:
		return errors.New("--export-token is for one robot, as a step has one output of that name")
	case namespaced(targets) && f.authFile == "" && !f.isolated:
		return errors.New("robots of several organizations on one registry need --authfile or --isolated: in docker's own file docker, crane and helm would take any of their logins")
	}
	return f.placeFlags.check()
}

// warnOfNamespaces tells who does not know the keys HOST/ORG.
func (a *app) warnOfNamespaces(targets []target) {
	switch {
	case namespaced(targets):
		a.host.Warn(host.Message{Text: "docker, crane, helm and buildx know one login for each registry: from this file they take any of these logins; podman, buildah and skopeo take the right one"})
	case targets[0].registry.Namespace != "":
		a.host.Warn(host.Message{Text: fmt.Sprintf("docker, crane, helm and buildx take the login of %s for all of %s", targets[0].registry.Key(), targets[0].registry.Host)})
	}
}

// keys are the auth file's keys of the targets.
func keys(targets []target) []string {
	var list []string
	for _, t := range targets {
		list = append(list, t.registry.Key())
	}
	return list
}

// result is what the host hands on.
func (a *app) result(flags loginFlags, logins []minted, plan authfile.Plan) host.Result {
	result := host.Result{AuthFiles: planned(plan).paths(), Holder: host.Holder(a.env.Getenv), Exports: exported(plan), Renews: flags.helper.use}
	for _, login := range logins {
		handedOn := host.Login{Registry: login.registry.Key(), Username: login.robot.String(), ExpiresAt: login.expiresAt}
		if flags.exportToken {
			handedOn.Token = login.token
		}
		result.Logins = append(result.Logins, handedOn)
	}
	return result
}

// entries are the logins as auth files hold them: each until its token ends.
func (a *app) entries(logins []minted) []authfile.Entry {
	var list []authfile.Entry
	for _, login := range logins {
		list = append(list, authfile.Entry{Key: login.registry.Key(), User: login.robot.String(), Token: login.token, Hold: a.hold(login.left)})
	}
	return list
}

// hold is what a login of this job has on its auth files' keys, for so long by the
// clock here, which the logout will ask too. A registry that changes its clock between
// two answers cannot make that longer than a token's longest life.
func (a *app) hold(left time.Duration) authfile.Hold {
	now := a.env.Clock.Now()
	return authfile.Hold{By: host.Holder(a.env.Getenv), From: now, Until: now.Add(min(left, quay.LongestLife))}
}

// minutes says how long a robot token lives.
func minutes(d time.Duration) string {
	return fmt.Sprintf("%d minutes", int(d.Round(time.Minute).Minutes()))
}
