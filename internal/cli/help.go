// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"quay-keyless/internal/request"
)

// strictHelp makes help on an unknown command an error. cobra prints the whole program's
// help and exits with 0.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	commands := root.Commands()
	help := slices.IndexFunc(commands, func(c *cobra.Command) bool { return c.Name() == "help" })
	commands[help].Args = func(_ *cobra.Command, args []string) error {
		command, rest, err := root.Find(args)
		if err == nil && len(rest) == 0 {
			return nil
		}
		return &request.UsageError{Command: command.CommandPath(), Err: unknownCommand(command, append(rest, args...)[0])}
	}
}
