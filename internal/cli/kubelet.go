// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/kubelet"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

const providerName = "credential-provider"

// providerCommand is the kubelet's exec plugin.
func providerCommand(run *process.Run) *cobra.Command {
	var flags request.ExchangeFlags
	command := &cobra.Command{
		Use:   providerName,
		Short: "Give a Kubernetes node a login for a Pod's image",
		Long: `Answer a Kubernetes node that pulls an image with a Pod's service account. The
kubelet (1.34 or later) runs this command. It writes a CredentialProviderRequest
to standard input and reads the robot token from standard output.

The service account's annotation ` + kubelet.Annotation + ` names the robot account:
ORG+NAME, or several as HOST/ORG+NAME in a line each.`,
		Args: noSuchCommand,
		RunE: func(command *cobra.Command, _ []string) error {
			if run.Env.StdoutClosed {
				return errStdoutClosed
			}
			return kubelet.Answer(command.Context(), run, flags)
		},
	}
	f := command.Flags()
	f.StringArrayVar(&flags.Audiences, "audience", []string{request.DefaultAudience}, "require `AUDIENCE` in the service account token")
	f.StringVar(&flags.CaCertificate, "ca-certificate", "", "also trust this `CA`: a path, PEM text or base64 of it")
	f.BoolVar(&flags.TLSVerify, "tls-verify", true, "verify the registry's certificate")
	f.BoolVar(&flags.Verify, "verify", true, "check the login at the registry")
	f.DurationVar(&flags.Timeout, "timeout", kubelet.Limit, "limit the time of an answer, at most 30s")
	command.AddCommand(providerConfigCommand(run))
	return command
}

// oneLine prints an error in one line, which the kubelet puts into its log whole, and
// nothing else.
type oneLine struct {
	platform.Platform
	run *process.Run
}

// Mask keeps the secret out of the line.
func (o oneLine) Mask(secret idtoken.Secret) { o.run.Secrets.Add(secret) }

// Notice and Warn print nothing.
func (oneLine) Notice(string)         {}
func (oneLine) Warn(platform.Message) {}

// Fail prints the error with its code, and the values to copy.
func (o oneLine) Fail(m platform.Message) {
	text := "error: " + m.Line()
	if len(m.Steps) > 0 && len(m.Steps[0].Values) > 0 {
		text += "; " + m.Steps[0].Text
		for _, value := range m.Steps[0].Values {
			text += " " + value.Name + " " + value.Value
		}
	}
	_, _ = fmt.Fprintln(o.run.Env.Stderr, o.run.Secrets.Line(text))
}

// providerConfigCommand prints what nodes need.
func providerConfigCommand(run *process.Run) *cobra.Command {
	var node kubelet.Node
	var format string
	command := &cobra.Command{
		Use:   "config [REGISTRY...] --format FORMAT",
		Short: "Print what a Kubernetes node or cluster needs to call quay-keyless",
		Long: `Print what a Kubernetes node or cluster needs to call quay-keyless:

  kubelet        the CredentialProviderConfig of the kubelet
  rbac           ClusterRole and binding: nodes may request tokens for Quay
  kubeadm        the kubelet's flags for kubeadm
  k3s            the CredentialProviderConfig of k3s and RKE2
  microshift     the settings of MicroShift
  machineconfig  the MachineConfig of OpenShift`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if node.Registries = args; len(args) == 0 {
				node.Registries = []string{request.RegistryArgument(run, nil)}
			}
			if err := node.Check(format); err != nil {
				return &request.UsageError{Err: err}
			}
			_, err := io.WriteString(run.Env.Stdout, node.Config(format))
			return err
		},
	}
	f := command.Flags()
	request.AddChoice(f, &format, "format", "print `FORMAT`: ", kubelet.Formats...)
	f.StringVar(&node.Audience, "audience", request.DefaultAudience, "request service account tokens for `AUDIENCE`")
	f.StringVar(&node.CA, "ca-certificate", "", "trust the CA certificate at this `PATH` on the nodes")
	image := ""
	if run.Env.Repository != "" {
		image = "quay.io/" + strings.ToLower(run.Env.Repository) + ":v1"
	}
	f.StringVar(&node.Image, "image", image, "copy the program from `IMAGE`, with machineconfig")
	return command
}
