// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"quay-keyless/internal/doctor"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// loginCommand writes a login; the other commands support it.
func loginCommand(run *process.Run) *cobra.Command {
	var flags login.Flags
	var output string // see speak
	command := atRegistry(run, &cobra.Command{
		Use:   "login [REGISTRY[/ORG]] --robot [HOST/]ORG+NAME ...",
		Short: "Exchange this job's ID token and write the login",
		Long: `Exchange this job's ID token for a robot token, check that the registry accepts
it, and write it to the auth file, where podman, buildah, skopeo, docker and
other tools find it. REGISTRY is quay.io, another HOST[:PORT], or a URL.`,
		Example: `  quay-keyless login --robot acme+ci
  quay-keyless login quay.example.com --robot acme+ci --check acme/app:push`,
	}, func(ctx context.Context, registry string) error {
		wordsToStdout(run)
		err := login.Login(ctx, run, flags, registry)
		addRobots(ctx, run, flags.ExchangeFlags, err)
		return err
	})
	flags.AddTo(command.Flags())
	request.AddOutput(command.Flags(), &output, "text", "json")
	return command
}

// addRobots asks Quay which robots there are if the named one does not exist. Only then
// does a login read the API token, if there is one.
func addRobots(ctx context.Context, run *process.Run, flags request.ExchangeFlags, err error) {
	refused, isRefused := errors.AsType[*login.RefusedIDToken](err)
	refusal, _ := errors.AsType[*quay.Refusal](err)
	if !isRefused || refusal == nil || refusal.Reason != quay.NoSuchRobot || run.Env.Getenv(request.APITokenVariable) == "" {
		return
	}
	api := request.APIFlags{IdentityFlags: flags.IdentityFlags, TLSVerify: flags.TLSVerify}
	_ = federation.WithAPI(ctx, run, api, refused.Target, func(context.Context, *quay.API) error { return err })
}

// logoutCommand undoes login.
func logoutCommand(run *process.Run) *cobra.Command {
	var paths []string
	command := &cobra.Command{
		Use:   "logout [REGISTRY[/ORG]]",
		Short: "Remove the login and restore what it replaced",
		Long: `Remove the login from the auth file and restore what it replaced, unless another
tool has changed it since. Without REGISTRY, remove every login that
quay-keyless wrote to this auth file.`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, registries []string) error {
			wordsToStdout(run)
			run.PostStep = run.Platform.Can().HandOn // the action's post step
			if len(registries) == 0 {
				registries = request.Lines(run.Env.Getenv("QUAY_REGISTRY"))
			}
			return login.Logout(command.Context(), run, paths, registries)
		},
	}
	command.Flags().StringArrayVar(&paths, "authfile", nil, "use the auth file `PATH` and no other (repeatable)")
	return command
}

// wordsToStdout prints a command's words on stdout on GitHub, where the runner then
// reads workflow commands in order with the rest of the output. It is for commands
// without a result there.
func wordsToStdout(run *process.Run) {
	if _, json := run.Platform.(*platform.JSON); !json && run.Platform.Can().HandOn {
		run.Platform = platform.Detect(run.Words(run.Env.Stdout))
	}
}

// doctorCommand checks every link of the chain.
func doctorCommand(run *process.Run) *cobra.Command {
	var flags doctor.Flags
	command := atRegistry(run, &cobra.Command{
		Use:   "doctor [REGISTRY] --robot ORG+NAME",
		Short: "Check every link from this job to a login",
		Long: `Check every link of the chain from this job to a login, one by one, and change
nothing: the ID token, its issuer, the registry, the exchange, the proof, and
the file that a login would be written to. With a token for Quay's API in
QUAY_API_TOKEN the robot's stored federation entries are compared with what this
job shows. The exit code is that of the first link that failed.`,
	}, func(ctx context.Context, registry string) error { return doctor.Examine(ctx, run, flags, registry) })
	f := command.Flags()
	flags.ExchangeFlags.AddTo(f)
	flags.PlaceFlags.AddTo(f)
	request.AddOutput(f, &flags.Output, "text", "json")
	flags.NodeFlags.AddTo(f)
	return command
}

// versionCommand prints the program's version.
func versionCommand(run *process.Run) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the program's version",
		Args:  noSuchCommand,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(run.Env.Stdout, "quay-keyless", run.Env.Version)
			return err
		},
	}
}
