// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"quay-keyless/internal/cli"
)

// madeList is a list of the page: a comment that names it, and its lines.
var madeList = regexp.MustCompile(`(?ms)^<!-- made: ([a-z]+) -->\n.*?\n(## )`)

// The flags of docs/reference.md are those of the help, in the same words.
func TestReference(t *testing.T) {
	t.Parallel()
	const name = "docs/reference.md"
	was := read(t, name)
	shown := map[string]bool{}
	page := madeList.ReplaceAllStringFunc(was, func(list string) string {
		found := madeList.FindStringSubmatch(list)
		shown[found[1]] = true
		return fmt.Sprintf("<!-- made: %s -->\n\n%s\n%s", found[1], flagLists[found[1]](), found[2])
	})
	if len(shown) != len(flagLists) {
		t.Errorf("%s has the lists %v", name, shown)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", name), []byte(page), 0o644); err != nil { //nolint:gosec // public
			t.Fatal(err)
		}
	} else if page != was {
		t.Errorf("the lists of %s are old: go test ./cmd/quay-keyless -run TestReference -update", name)
	}
}

// flagLists are the lists of docs/reference.md, which are made from the help.
var flagLists = map[string]func() string{"login": loginFlags, "others": otherFlags}

// loginFlags are the flags of login, as its help has them.
func loginFlags() string {
	var lines []string
	for _, flag := range flagList("login") {
		lines = append(lines, flagLine(flag))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// otherFlags are the flags that login does not have, by the commands that have them.
func otherFlags() string {
	of := map[string][]string{}
	for _, command := range everyCommand(cli.Command(noEnv(map[string]bool{}))) {
		path := strings.TrimPrefix(command.CommandPath(), "quay-keyless ")
		command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Name != "help" && !slices.ContainsFunc(flagList("login"), func(f *pflag.Flag) bool { return f.Name == flag.Name }) {
				of[flagLine(flag)] = append(of[flagLine(flag)], path)
			}
		})
	}
	groups := map[string]string{}
	short := strings.NewReplacer("federation add, federation list, federation remove", "federation", "federation add, federation remove", "federation add, remove")
	for _, line := range slices.Sorted(maps.Keys(of)) {
		groups[short.Replace(strings.Join(of[line], ", "))] += line
	}
	var text strings.Builder
	for i, commands := range slices.Sorted(maps.Keys(groups)) {
		if i > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(&text, "**%s**\n\n%s", commands, groups[commands])
	}
	return text.String()
}

// flagLine is a flag with its line in the help and its default.
func flagLine(flag *pflag.Flag) string {
	usage := strings.ReplaceAll(flag.Usage, "<", "&lt;") // Markdown would take it for a tag
	if value := strings.Trim(flag.DefValue, "[]"); !slices.Contains([]string{"", "0", "false"}, value) {
		usage += " (default `" + value + "`)"
	}
	return fmt.Sprintf("- `--%s`: %s\n", flag.Name, usage)
}

func flagList(name string) (list []*pflag.Flag) {
	command, _, _ := cli.Command(noEnv(map[string]bool{})).Find([]string{name})
	command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "help" {
			list = append(list, flag)
		}
	})
	return list
}
