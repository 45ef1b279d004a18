// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// initializer is what a package does before main, in each start.
type initializer struct {
	times         []float64 // milliseconds, in the runs
	bytes, allocs int
}

// reportStart prints the initializers that take longest, and all together, those
// of the floor too.
func reportStart(ctx context.Context, out io.Writer, folder string) error {
	const rows = 12
	program, err := initializers(ctx, filepath.Join(folder, "quay-keyless"), "version")
	if err != nil {
		return err
	}
	floor, err := initializers(ctx, filepath.Join(folder, "floor"))
	if err != nil {
		return err
	}
	fmt.Fprint(out, "| initializers (GODEBUG=inittrace=1) | ms | bytes | allocations |\n| --- | --- | --- | --- |\n")
	for i, name := range slices.SortedFunc(maps.Keys(program), func(a, b string) int { return cmp.Compare(program[b].median(), program[a].median()) }) {
		if i < rows {
			p := program[name]
			fmt.Fprintf(out, "| %s | %.2f | %d | %d |\n", name, p.median(), p.bytes, p.allocs)
		}
	}
	fmt.Fprintln(out, all(program, "all %d"))
	_, err = fmt.Fprintf(out, "%s\n\n", all(floor, "all %d of the floor"))
	return err
}

// all is the row of the sum.
func all(packages map[string]*initializer, format string) string {
	var sum initializer
	total := 0.0
	for _, p := range packages {
		total += p.median()
		sum.bytes += p.bytes
		sum.allocs += p.allocs
	}
	return fmt.Sprintf("| "+format+" | %.2f | %d | %d |", len(packages), total, sum.bytes, sum.allocs)
}

func (i *initializer) median() float64 { return spreadOf(i.times).median }

// initializers runs a program some times with Go's trace of them. That a program
// fails then, as the floor does without a job, comes after its start.
func initializers(ctx context.Context, program string, arguments ...string) (map[string]*initializer, error) {
	packages := map[string]*initializer{}
	for range 15 {
		var stderr bytes.Buffer
		command := exec.CommandContext(ctx, program, arguments...)
		command.Env, command.Stderr = append(os.Environ(), "GODEBUG=inittrace=1"), &stderr
		_ = command.Run()
		for line := range bytes.Lines(stderr.Bytes()) {
			var name string
			var at, took float64
			var size, allocs int
			if n, _ := fmt.Sscanf(string(line), "init %s @%f ms, %f ms clock, %d bytes, %d allocs", &name, &at, &took, &size, &allocs); n < 5 {
				continue
			}
			p := packages[name]
			if p == nil {
				p = &initializer{}
				packages[name] = p
			}
			p.times, p.bytes, p.allocs = append(p.times, took), size, allocs
		}
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("%s tells nothing of its start", program)
	}
	return packages, nil
}
