// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// helpWidth is how wide help is, in columns.
const helpWidth = 80

// flagGroups are the headings of help, in their order, and patterns of the flags below
// each. Flags without a pattern are in the first.
var flagGroups = []struct{ title, patterns string }{
	{"Flags", ""},
	{"Where the login is written", "authfile authfile-mode isolated auth-dir inherit inherit-from credential-helper helper-dir export-token install-ca"},
	{"TLS", "tls-verify ca-certificate"},
	{"ID token", "id-token-* audience subject-claim"},
	{oidcGroup, "oidc-*"},
	{"Output", "output output-file format timeout verbose help"},
}

const oidcGroup = "OIDC provider"

// groupOf is the number of a flag's group.
func groupOf(flag *pflag.Flag) int {
	for i, group := range flagGroups {
		for _, pattern := range strings.Fields(group.patterns) {
			if matched, _ := path.Match(pattern, flag.Name); matched {
				return i
			}
		}
	}
	return 0
}

// usage prints how a command is called, and its flags in groups. It is not a template,
// because cobra's SetUsageTemplate links text/template, which keeps the linker from
// dropping methods and costs 2.4 MB.
func usage(run *process.Run, command *cobra.Command) error {
	var text strings.Builder
	if command.Example != "" {
		fmt.Fprintf(&text, "Examples:\n%s\n\n", command.Example)
	}
	line := command.UseLine()
	if command.HasAvailableSubCommands() && command.Name() != providerName {
		line = command.CommandPath() + " COMMAND"
	}
	fmt.Fprintf(&text, "Usage:\n  %s\n", strings.Join(platform.Wrap(line, helpWidth-6), "\n      "))
	if command.HasAvailableSubCommands() {
		text.WriteString("\nCommands:\n")
		for _, child := range command.Commands() {
			if child.IsAvailableCommand() || child.Name() == "help" {
				fmt.Fprintf(&text, "  %-*s %s\n", child.NamePadding(), child.Name(), child.Short)
			}
		}
	}
	groups := make([][]*pflag.Flag, len(flagGroups))
	command.Flags().VisitAll(func(flag *pflag.Flag) { groups[groupOf(flag)] = append(groups[groupOf(flag)], flag) })
	for i, flags := range groups {
		switch title, login := flagGroups[i].title, command.Name() == "login"; {
		case len(flags) == 0:
		case title == oidcGroup && !login: // rare elsewhere
			fmt.Fprintf(&text, "\n%s:\n  --oidc-...  see quay-keyless login --help\n", title)
		case i == 0 && login:
			writeFlags(&text, "Login", flags)
		default:
			writeFlags(&text, title, flags)
		}
	}
	if command.HasParent() {
		text.WriteString("\n" + variables + "\n")
	}
	_, err := fmt.Fprintf(command.OutOrStderr(), "%s\nMore: %s\n", text.String(), cmp.Or(run.Page("docs/reference.md"), "docs/reference.md"))
	return err
}

// writeFlags writes flags below their heading, and what each does beside it.
func writeFlags(text *strings.Builder, title string, flags []*pflag.Flag) {
	fmt.Fprintf(text, "\n%s:\n", title)
	names, column := make([]string, len(flags)), 0
	for i, flag := range flags {
		value, _ := pflag.UnquoteUsage(flag)
		names[i] = strings.TrimSpace("--" + flag.Name + " " + value)
		if flag.Shorthand != "" {
			names[i] += ", -" + flag.Shorthand
		}
		column = max(column, len("  ")+len(names[i])+len("  "))
	}
	for i, flag := range flags {
		_, does := pflag.UnquoteUsage(flag)
		if initial := strings.Trim(flag.DefValue, "[]"); !slices.Contains([]string{"", "0", "false"}, initial) {
			does += fmt.Sprintf(" (default %s)", initial)
		}
		lines := platform.Wrap(does, helpWidth-column)
		fmt.Fprintf(text, "  %-*s%s\n", column-2, names[i], strings.Join(lines, "\n"+strings.Repeat(" ", column)))
	}
}

// strictHelp makes help on an unknown command an error. cobra prints the whole program's
// help and exits with 0.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Args = func(_ *cobra.Command, args []string) error {
		command, rest, err := root.Find(args)
		return cmp.Or(err, noSuchCommand(command, rest))
	}
}
