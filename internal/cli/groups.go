// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide help is, in columns.
const helpWidth = 80

// flagGroups are the headings of help, in their order, and the flags below each. A name
// that ends with - stands for all that begin with it. Other flags come first.
var flagGroups = []struct{ title, names string }{
	{"Where the login is written", "authfile authfile-mode isolated auth-dir inherit inherit-from credential-helper helper-dir export-token install-ca"},
	{"TLS", "tls-verify ca-certificate"},
	{"ID token", "id-token- audience subject-claim"},
	{"OIDC provider", "oidc-"},
	{"Output", "output output-file format timeout verbose help"},
}

// groupOf is the heading of a flag; "" for the first group.
func groupOf(flag string) string {
	for _, group := range flagGroups {
		for _, name := range strings.Fields(group.names) {
			if name == flag || strings.HasSuffix(name, "-") && strings.HasPrefix(flag, name) {
				return group.title
			}
		}
	}
	return ""
}

// usage prints how a command is called, and its flags in groups.
func usage(command *cobra.Command) error {
	var text strings.Builder
	if command.Example != "" {
		fmt.Fprintf(&text, "Examples:\n%s\n\n", command.Example)
	}
	if command.Runnable() {
		fmt.Fprintf(&text, "Usage:\n  %s\n", folded(command.UseLine()))
	} else {
		fmt.Fprintf(&text, "Usage:\n  %s COMMAND\n", command.CommandPath())
	}
	if command.HasAvailableSubCommands() {
		text.WriteString("\nCommands:\n")
		for _, child := range command.Commands() {
			if child.IsAvailableCommand() || child.Name() == "help" {
				fmt.Fprintf(&text, "  %-*s %s\n", child.NamePadding(), child.Name(), child.Short)
			}
		}
	}
	groups := map[string]*pflag.FlagSet{}
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		title := groupOf(flag.Name)
		if groups[title] == nil {
			groups[title] = pflag.NewFlagSet(title, pflag.ContinueOnError)
			groups[title].SortFlags = false
			if robot := command.Flags().Lookup("robot"); robot != nil && title == "" { // the important one
				groups[title].AddFlag(robot)
			}
		}
		if groups[title].Lookup(flag.Name) == nil {
			groups[title].AddFlag(flag)
		}
	})
	write := func(title string, flags *pflag.FlagSet) {
		if flags != nil && flags.HasAvailableFlags() {
			fmt.Fprintf(&text, "\n%s:\n%s", title, flags.FlagUsagesWrapped(helpWidth))
		}
	}
	first := "Flags"
	if command.Name() == "login" {
		first = "Login"
	}
	write(first, groups[""])
	for _, group := range flagGroups {
		write(group.title, groups[group.title])
	}
	_, err := fmt.Fprint(command.OutOrStderr(), text.String())
	return err
}

// folded breaks a line between words.
func folded(line string) string {
	var text strings.Builder
	used := 2
	for i, word := range strings.Split(line, " ") {
		switch {
		case i == 0:
		case used+1+len(word) > helpWidth:
			text.WriteString("\n      ")
			used = 6
		default:
			text.WriteString(" ")
			used++
		}
		text.WriteString(word)
		used += len(word)
	}
	return text.String()
}
