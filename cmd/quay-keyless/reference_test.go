// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"quay-keyless/internal/cli"
)

// madeTable is a table of the page: a comment that names it, and its rows.
var madeTable = regexp.MustCompile(`(?m)^<!-- made: ([a-z]+) -->\n\n?((?:\|.*\n)*)\n?`)

// The flags of docs/reference.md are those of the help, in the same words.
func TestReference(t *testing.T) {
	t.Parallel()
	const name = "docs/reference.md"
	was := read(t, name)
	shown := map[string]bool{}
	page := madeTable.ReplaceAllStringFunc(was, func(table string) string {
		name := madeTable.FindStringSubmatch(table)[1]
		shown[name] = true
		return fmt.Sprintf("<!-- made: %s -->\n\n%s\n", name, flagTables[name]())
	})
	if len(shown) != len(flagTables) {
		t.Errorf("%s has the tables %v", name, shown)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", name), []byte(page), 0o644); err != nil { //nolint:gosec // public
			t.Fatal(err)
		}
	} else if page != was {
		t.Errorf("the tables of %s are old: go test ./cmd/quay-keyless -run TestReference -update", name)
	}
}

// flagTables are the tables of docs/reference.md, which are made from the help.
var flagTables = map[string]func() string{
	"login":  func() string { return table([]string{"flag", "what it does"}, loginFlags()) },
	"others": func() string { return table([]string{"flag", "of", "what it does"}, otherFlags()) },
}

// table is one of Markdown.
func table(head []string, rows [][]string) string {
	var text strings.Builder
	line := func(cells []string) { text.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	line(slices.Repeat([]string{"---"}, len(head)))
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", `\|`)
		}
		line(row)
	}
	return text.String()
}

// loginFlags are the flags of login, as its help has them.
func loginFlags() (rows [][]string) {
	for _, flag := range flagList("login") {
		usage := usageOf(flag)
		if value := strings.Trim(flag.DefValue, "[]"); !slices.Contains([]string{"", "0", "false"}, value) {
			usage += " (default `" + value + "`)"
		}
		rows = append(rows, []string{"`--" + flag.Name + "`", usage})
	}
	slices.SortFunc(rows, slices.Compare)
	return rows
}

// otherFlags are the flags that login does not have.
func otherFlags() (rows [][]string) {
	ofLogin := flagList("login")
	for _, command := range everyCommand(cli.Command(noEnv(map[string]bool{}))) {
		path := strings.TrimPrefix(command.CommandPath(), "quay-keyless ")
		command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Name == "help" || slices.ContainsFunc(ofLogin, func(f *pflag.Flag) bool { return f.Name == flag.Name }) {
				return
			}
			name, usage := "`--"+flag.Name+"`", usageOf(flag)
			for _, row := range rows {
				if row[0] == name && row[2] == usage {
					row[1] += ", " + path
					return
				}
			}
			rows = append(rows, []string{name, path, usage})
		})
	}
	for _, row := range rows {
		row[1] = strings.NewReplacer("federation add, federation list, federation remove", "federation", "federation add, federation remove", "federation add, remove").Replace(row[1])
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return rows
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

// usageOf is a flag's line in the help. Markdown would take an opening < for a tag.
func usageOf(flag *pflag.Flag) string { return strings.ReplaceAll(flag.Usage, "<", "&lt;") }
