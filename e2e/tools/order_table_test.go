// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// matrix is all rows, to print them when the test ends.
type matrix struct {
	lock sync.Mutex
	rows []*row
}

func newMatrix(t *testing.T) *matrix {
	m := &matrix{}
	t.Cleanup(func() { t.Log("\n" + m.String()) })
	return m
}

func (m *matrix) add(r *row) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.rows = append(m.rows, r)
}

// String is a table with a line for each row.
func (m *matrix) String() string {
	var text strings.Builder
	fmt.Fprintln(&text, "Our registry, the neighbour's, another organization of ours, a registry with a login from before; at the start and after each login and logout.")
	fmt.Fprintln(&text, "o: our login, n: the neighbour's, d and p: from before in docker's and podman's file, .: none, x: an error; ?: differs and is told, !: differs.")
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	slices.SortFunc(m.rows, func(a, b *row) int { return cmp.Compare(a.title(), b.title()) })
	for i, r := range m.rows {
		tools := slices.Sorted(maps.Keys(r.marks))
		if i == 0 {
			fmt.Fprintln(table, "\t"+strings.Join(tools, "\t"))
		}
		fmt.Fprint(table, r.title())
		for _, tool := range tools {
			marks := r.marks[tool]
			fmt.Fprint(table, "\t"+strings.Join(marks[:], " "))
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush()
	return text.String()
}

func (r *row) title() string {
	return fmt.Sprintf("%s, %s, %s, %s", r.start.name, r.way.name, r.neighbour.name, r.order)
}
