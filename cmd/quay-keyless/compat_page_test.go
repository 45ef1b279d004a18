// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"quay-keyless/internal/cli"
)

// pageTables are the tables of pages that are made from the promises.
var pageTables = map[string]map[string]func(surface) string{
	"docs/compatibility.md": {
		"json":  func(s surface) string { return table([]string{"of", "fields"}, described(s.of("json"))) },
		"files": func(s surface) string { return table([]string{"file", "fields"}, described(s.of("file"))) },
	},
	"docs/reference.md": {
		"login":  func(surface) string { return table([]string{"flag", "default", "what it does"}, loginFlags()) },
		"others": func(surface) string { return table([]string{"flag", "of", "what it does"}, otherFlags()) },
	},
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
	return strings.ReplaceAll(text.String(), "|  |", "| |")
}

// grouped is a row for each first field, with all the second ones.
func grouped(rows [][]string) [][]string {
	var list [][]string
	for _, row := range rows {
		if last := len(list) - 1; last >= 0 && list[last][0] == row[0] {
			list[last][1] += " `" + row[1] + "`"
			continue
		}
		list = append(list, []string{row[0], "`" + row[1] + "`"})
	}
	return list
}

// described is [grouped] for fields that have a type or a value.
func described(rows [][]string) [][]string {
	for _, row := range rows {
		if row[2] == "text" {
			row[2] = ""
		}
		row[1] = strings.TrimSpace(row[1] + " " + row[2])
	}
	return grouped(rows)
}

// loginFlags are the flags of login, as its help has them.
func loginFlags() (rows [][]string) {
	for _, flag := range flagList("login") {
		value := ""
		if flag.DefValue != "" && flag.DefValue != "[]" {
			value = "`" + strings.Trim(flag.DefValue, "[]") + "`"
		}
		rows = append(rows, []string{"`--" + flag.Name + "`", value, usageOf(flag)})
	}
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
