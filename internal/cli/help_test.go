// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"quay-keyless/internal/process"
)

// Help fits two screens of 80 columns and 40 lines, and its groups are in the order in which
// people need them.
func TestHelp(t *testing.T) {
	t.Parallel()
	root := Command(process.Env{Getenv: func(string) string { return "" }})
	everywhere(root, func(command *cobra.Command) {
		var text strings.Builder
		command.SetOut(&text)
		if err := command.Help(); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(text.String(), "\n"); lines > 80 {
			t.Errorf("%s --help has %d lines", command.CommandPath(), lines)
		}
		for line := range strings.Lines(text.String()) {
			if columns := utf8.RuneCountInString(strings.TrimRight(line, "\n")); columns > helpWidth {
				t.Errorf("%s --help has a line of %d columns: %s", command.CommandPath(), columns, line)
			}
		}
		if command.Name() != "login" {
			return
		}
		at := 0
		for _, title := range []string{"Login", "Where the login is written", "TLS", "ID token", "OIDC provider", "Output"} {
			found := strings.Index(text.String()[at:], "\n"+title+":\n")
			if found < 0 {
				t.Fatalf("no group %s after the one before it:\n%s", title, text.String())
			}
			at += found
		}
	})
}
