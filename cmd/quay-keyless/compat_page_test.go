// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"cmp"
	"slices"
	"strings"
)

// pageTables make the tables of docs/compatibility.md from the promises.
var pageTables = map[string]func(surface) string{
	"commands": func(s surface) string { return table([]string{"command", "arguments"}, coded(s.of("command"))) },
	"flags":    flagTable,
	"sources":  func(s surface) string { return table([]string{"flag", "values"}, grouped(s.of("value"))) },
	"action":   func(s surface) string { return table([]string{"what", "names"}, grouped(s.of("action"))) },
	"gitlab":   func(s surface) string { return table([]string{"what", "name", "value"}, coded(s.of("gitlab"))) },
	"tekton":   func(s surface) string { return table([]string{"of", "what", "name", "value"}, coded(s.of("tekton"))) },
	"exits":    func(s surface) string { return table([]string{"exit code", "of"}, byNumber(s.of("exit"))) },
	"json":     func(s surface) string { return table([]string{"of", "fields"}, described(s.of("json"))) },
	"files":    func(s surface) string { return table([]string{"file", "fields"}, described(s.of("file"))) },
	"helper":   func(s surface) string { return table([]string{"argument", "what"}, coded(s.of("helper"))) },
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

// coded is each cell as code, the first one too.
func coded(rows [][]string) [][]string {
	for _, row := range rows {
		for i, cell := range row {
			if cell != "" && cell != "required" {
				row[i] = "`" + cell + "`"
			}
		}
	}
	return rows
}

// byNumber sorts rows by the number that they begin with.
func byNumber(rows [][]string) [][]string {
	slices.SortStableFunc(rows, func(a, b []string) int {
		return cmp.Or(len(a[0])-len(b[0]), strings.Compare(a[0], b[0]))
	})
	return rows
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

// flagTable has a row for each flag and default, with the commands that have it.
func flagTable(s surface) string {
	commands := map[string][]string{}
	var order []string
	for _, row := range s.of("flag") { // command, flag, type, default
		key := strings.Join(row[1:], "\t")
		if commands[key] == nil {
			order = append(order, key)
		}
		commands[key] = append(commands[key], row[0])
	}
	slices.Sort(order)
	var rows [][]string
	for _, key := range order {
		cells := strings.Split(key, "\t")
		variable := "QUAY_" + strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(cells[0], "--"), "-", "_"))
		row := coded([][]string{{cells[0], variable}})[0]
		row = append(row, cells[1], coded([][]string{{strings.Trim(cells[2], "[]")}})[0][0], strings.Join(commands[key], ", "))
		rows = append(rows, row)
	}
	return table([]string{"flag", "variable", "value", "default", "of"}, rows)
}
