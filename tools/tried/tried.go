// SPDX-License-Identifier: Apache-2.0

// Package tried adds up what tests tried and came through, over the runs of one
// "make e2e".
package tried

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Trials is what was tried, by who tried it: a package and its test, say.
type Trials map[string][]Trial

// Trial is a number of trials of one kind.
type Trial struct {
	Count int
	Kind  string // in lower case and plural, as "network faults"
}

// Parse reads a trial as tests say it: "263 network faults".
func Parse(words string) (Trial, error) {
	number, kind, _ := strings.Cut(words, " ")
	count, err := strconv.Atoi(number)
	if err != nil || kind == "" {
		return Trial{}, fmt.Errorf("tried %q: want a number and what was tried", words)
	}
	return Trial{Count: count, Kind: kind}, nil
}

// Read reads what earlier runs left in path; no file is no trials.
func Read(path string) (Trials, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Trials{}, nil
	} else if err != nil {
		return nil, err
	}
	known := Trials{}
	if err := json.Unmarshal(data, &known); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return known, nil
}

// Keep adds t to what earlier runs left in path. Who tries again takes the
// place of what he tried before.
func (t Trials) Keep(path string) error {
	all, err := Read(path)
	if err != nil {
		return err
	}
	maps.Copy(all, t)
	data, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// Table prints the sum of each kind as Markdown.
func (t Trials) Table(out io.Writer) {
	sums := map[string]int{}
	for _, tried := range t {
		for _, one := range tried {
			sums[one.Kind] += one.Count
		}
	}
	fmt.Fprint(out, "| tried and survived | how many |\n| --- | ---: |\n")
	for _, kind := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(out, "| %s | %d |\n", kind, sums[kind])
	}
}
