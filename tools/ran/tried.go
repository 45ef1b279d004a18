// SPDX-License-Identifier: Apache-2.0

package main

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

// trials is what tests said they tried and came through, by package and test. A
// test says it with t.Attr("tried", "263 network faults").
type trials map[string][]trial

// trial is a number of trials of one kind.
type trial struct {
	Count int
	Kind  string
}

// parseTrial reads "263 network faults".
func parseTrial(words string) (trial, error) {
	number, kind, _ := strings.Cut(words, " ")
	count, err := strconv.Atoi(number)
	if err != nil || kind == "" {
		return trial{}, fmt.Errorf("tried %q: want a number and what was tried", words)
	}
	return trial{Count: count, Kind: kind}, nil
}

// readTrials reads what earlier runs left in path; no file is no trials.
func readTrials(path string) (trials, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return trials{}, nil
	} else if err != nil {
		return nil, err
	}
	known := trials{}
	if err := json.Unmarshal(data, &known); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return known, nil
}

// keep adds t to what earlier runs left in path. A test that ran again takes the
// place of its earlier run.
func (t trials) keep(path string) error {
	all, err := readTrials(path)
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

// table prints the sum of each kind as Markdown.
func (t trials) table(out io.Writer) {
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
