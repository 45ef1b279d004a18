// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// report prints the tables of docs/performance.md.
func report(out io.Writer, all *contenders) {
	fmt.Fprintf(out, "%s, %d CPUs, %s, %s, %s; %d rounds, in each of which all took their turn; load %s.\n\n",
		machine(), runtime.NumCPU(), runtime.GOARCH, kernel(), runtime.Version(), len(all.floor.near.samples), load())
	reportTimes(out, all)
	reportPromises(out, all)
}

// reportTimes is the table of what was measured.
func reportTimes(out io.Writer, all *contenders) {
	fmt.Fprintf(out, "| | on this machine, ms | times the floor | CPU time, ms | peak memory, MB | %d ms away, ms | round trips |\n", roundTrip.Milliseconds())
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- |")
	for _, p := range all.all() {
		floor, far, trips := "", "", ""
		if p.far != nil {
			floor = p.near.times(all.floor.near, wall).format("%.2f")
			far = p.far.milliseconds(wall).format("%.1f")
			trips = fmt.Sprintf("%.1f", p.roundTrips())
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %.1f | %s | %s |\n", p.near.name,
			p.near.milliseconds(wall).format("%.1f"), floor, p.near.milliseconds(cpu).format("%.1f"), p.near.memory(), far, trips)
	}
	fmt.Fprintln(out)
}

// roundTrips is how many of them the distance costs, by the least of each: what
// else the machine does is not in it.
func (p pair) roundTrips() float64 {
	return (p.far.least(wall) - p.near.least(wall)) / milliseconds(roundTrip)
}

// reportPromises is the table of what is held to. The action's own part is by the
// least of each: medians' errors would add up.
func reportPromises(out io.Writer, all *contenders) {
	login, part := all.login.near, func(of func(sample) time.Duration) float64 {
		return all.action.near.least(of) - all.node.near.least(of) - all.login.near.least(of)
	}
	fmt.Fprintln(out, "| | limit | measured |\n| --- | --- | --- |")
	for _, row := range [][3]string{
		{"login, times the floor", "at most 1.3", login.times(all.floor.near, wall).format("%.2f") + "; CPU time " + login.times(all.floor.near, cpu).format("%.2f")},
		{"the recipe, times the login", "at least 4", all.recipe.near.times(login, wall).format("%.2f") + "; CPU time " + all.recipe.near.times(login, cpu).format("%.2f")},
		{"round trips of a login", "at most 6", fmt.Sprintf("%.1f", all.login.roundTrips())},
		{"peak memory of a login, MB", "under 25", fmt.Sprintf("%.1f", max(login.memory(), all.login.far.memory()))},
		{"the action beyond `node -e 0` and the login, ms", "at most 70", fmt.Sprintf("%.1f; CPU time %.1f", part(wall), part(cpu))},
	} {
		fmt.Fprintf(out, "| %s |\n", strings.Join(row[:], " | "))
	}
	fmt.Fprintln(out)
}

// format writes the median, and the quartiles behind it.
func (s spread) format(verb string) string {
	return fmt.Sprintf(verb+" ("+verb+" to "+verb+")", s.median, s.low, s.high)
}

// machine is the processor's name.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unknown processor"
}

// kernel is the system's name with the first two numbers of its version; what follows
// them is its builder's.
func kernel() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	major, rest, _ := strings.Cut(strings.TrimSpace(string(release)), ".")
	minor, _, _ := strings.Cut(rest, ".")
	return "Linux " + major + "." + minor
}

// load is how many processes wanted a CPU in the last minute; those of the
// benchmark are about one of them.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(text), " ")
	return average
}
