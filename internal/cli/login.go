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
	command.Flags().StringVar(&flags.authFile, "authfile", "", "write the login to the auth file at `PATH` and to no other")
	command.Flags().BoolVar(&flags.exportToken, "export-token", false, "also hand the robot token on as the step's output (GitHub)")
	return command
}

type loginFlags struct {
	mintFlags
	authFile    string
	exportToken bool
}

// runLogin is the flow: what the user named, where the logins will be written,
// the robot tokens, the auth files, and the words to the host.
func (a *app) runLogin(ctx context.Context, flags loginFlags, registry string) error {
	targets, err := flags.targets(registry)
	if err != nil {
		return &usageError{err: err}
	}
	if err := flags.check(targets); err != nil {
		return &usageError{err: err}
	}
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.deadline(ctx)
	defer cancel()
	a.warnOfNamespaces(targets)
	if flags.exportToken && a.host.Name() != "github" {
		a.host.Warn(host.Message{Text: "--export-token does nothing here: only a GitHub step has outputs", Hints: []string{"quay-keyless token prints the robot token"}})
	}
	files, err := a.authFiles(flags.paths())
	if err != nil {
		return err
	}
	if err := files.check(); err != nil {
		return err
	}
	logins, err := a.mint(ctx, flags.mintFlags, targets)
	if err != nil {
		return err
	}
	result := flags.result(logins, files)
	if err := a.host.Remember(result); err != nil {
		return err
	}
	if err := files.set(ctx, entries(logins), a.host); err != nil {
		return err
	}
	for _, login := range logins {
		a.host.Notice(fmt.Sprintf("logged in to %s as %s until %s (%s)", login.registry.Key(), login.robot,
			login.expiresAt.UTC().Format("15:04 MST"), minutes(login.left)))
	}
	return a.host.Publish(result)
}

// check finds what goes together only in other ways.
func (f *loginFlags) check(targets []target) error {
	switch {
	case f.exportToken && len(targets) > 1:
		return errors.New("--export-token is for one robot, as a step has one output of that name")
	case namespaced(targets) && f.authFile == "":
		return errors.New("robots of several organizations on one registry need --authfile or --isolated: in docker's own file docker, crane and helm would take any of their logins")
	}
	return nil
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

// paths are the auth files that the user named, if any.
func (f *loginFlags) paths() []string {
	if f.authFile == "" {
		return nil
	}
	return []string{f.authFile}
}

// result is what the host hands on.
func (f *loginFlags) result(logins []minted, files authFiles) host.Result {
	result := host.Result{AuthFiles: files.paths()}
	for _, login := range logins {
		handedOn := host.Login{Registry: login.registry.Key(), Username: login.robot.String(), ExpiresAt: login.expiresAt}
		if f.exportToken {
			handedOn.Token = login.token
		}
		result.Logins = append(result.Logins, handedOn)
	}
	return result
}

// entries are the logins as auth files hold them.
func entries(logins []minted) []authfile.Entry {
	var list []authfile.Entry
	for _, login := range logins {
		list = append(list, authfile.Entry{Key: login.registry.Key(), User: login.robot.String(), Token: login.token})
	}
	return list
}

// minutes says how long a robot token lives.
func minutes(d time.Duration) string {
	return fmt.Sprintf("%d minutes", int(d.Round(time.Minute).Minutes()))
}
