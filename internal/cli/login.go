// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
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
		Use:   "login [REGISTRY[/ORG]] --robot ORG+NAME",
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

// runLogin is the flow: what the user named, where the login will be written,
// the robot token, the auth file, and the words to the host.
func (a *app) runLogin(ctx context.Context, flags loginFlags, registry string) error {
	target, err := flags.target(registry)
	if err != nil {
		return &usageError{command: "quay-keyless login", err: err}
	}
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.deadline(ctx)
	defer cancel()
	var paths []string
	if flags.authFile != "" {
		paths = []string{flags.authFile}
	}
	files, err := a.authFiles(paths)
	if err != nil {
		return err
	}
	if err := files.check(); err != nil {
		return err
	}
	job, err := a.newJob(flags.mintFlags, target)
	if err != nil {
		return err
	}
	minted, err := job.mint(ctx)
	if err != nil {
		return err
	}
	result := host.Result{
		Registry:  target.registry.Key(),
		Username:  target.robot.String(),
		ExpiresAt: minted.expiresAt,
		AuthFiles: files.paths(),
	}
	if flags.exportToken {
		result.Token = minted.login.Token
	}
	if err := a.host.Remember(result); err != nil {
		return err
	}
	entry := authfile.Entry{Key: result.Registry, User: result.Username, Token: minted.login.Token}
	if err := files.set(ctx, entry, a.host); err != nil {
		return err
	}
	a.host.Notice(fmt.Sprintf("logged in to %s as %s until %s (%s)", result.Registry, result.Username,
		result.ExpiresAt.UTC().Format("15:04 MST"), left(minted.expiresAt.Sub(job.quay.Now()))))
	return a.host.Publish(result)
}

// left says how long a robot token lives.
func left(d time.Duration) string {
	return fmt.Sprintf("%d minutes", int(d.Round(time.Minute).Minutes()))
}
