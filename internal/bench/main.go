// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Bench measures a login of a GitHub job on the sandbox, on this machine and 50 ms
// away. It compares quay-keyless with the floor, the least code that makes the same
// requests, and with the shell recipe that quay-keyless replaces. It prints a
// table for docs/internals/performance.md, uses the programs of "make build", and needs root.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// recipe is the shell that quay-keyless login replaces.
const recipe = `set -eu
id_token=$(curl -sSf -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=quay" | jq -r .value)
token=$(curl -sSf -u "acme+ci:$id_token" "https://$QUAY_REGISTRY/oauth2/federation/robot/token" | jq -r .token)
printf %s "$token" | podman login --cert-dir "$CERTS" --username acme+ci --password-stdin "$QUAY_REGISTRY" >/dev/null
`

// release lays the programs out as a release has them: "docker-credential-quay-keyless",
// and in "action" the action with its program and checksum.
const release = `set -eu
program=$PWD/bin/quay-keyless name=quay-keyless-linux-$(go env GOARCH)
ln -s "$program" "$1/docker-credential-quay-keyless"
mkdir -p "$1/action/bin" && cp action/index.js "$1/action/" && cp "$program" "$1/action/bin/$name"
cd "$1/action/bin" && sha256sum "$name" >checksums.txt
`

func main() {
	runs := flag.Int("runs", 40, "how often each command runs")
	flag.Parse()
	if flag.Arg(0) == "floor" {
		floor()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bench(ctx, *runs)
}

// must ends the benchmark at an error. Deferred calls clean up.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func bench(ctx context.Context, runs int) {
	folder := must(os.MkdirTemp("", "quay-keyless-bench-"))
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	must(exec.CommandContext(ctx, "sh", "-c", release, "sh", folder).Output())
	defer newDistance().close()
	near, stop := startJob(ctx, folder, "0.0.0.0", "127.0.0.1", "127.0.0.2", "8444")
	defer stop()
	far, stop := startJob(ctx, folder, local, quayAway, gitHubAway, "8443")
	defer stop()
	rows := commands(ctx, folder, near, far)
	takeTurns(ctx, folder, rows, runs)
	report(rows)
}

// row is one command, with the servers on this machine and away.
type row struct {
	name      string
	near, far *command
}

// commands returns the rows of the table. The first one is the floor.
func commands(ctx context.Context, folder string, near, far []string) []row {
	program, helper := "bin/quay-keyless", folder+"/docker-credential-quay-keyless"
	node := must(exec.Command("sh", "-c", "printf %s e2e/node_modules/node-linux-*/bin/node").Output())
	both := func(name string, args ...string) row {
		return row{name, &command{args: args, env: near}, &command{args: args, env: far}}
	}
	rows := []row{
		both("floor", must(os.Executable()), "floor"),
		both("`quay-keyless login`", program, "login", "--robot", "acme+ci"),
		both("curl, jq, `podman login`", "sh", "-c", recipe),
		both("the credential helper's `get`", helper, "get"),
		both("the action's main phase", string(node), folder+"/action/index.js"),
	}
	for _, get := range []*command{rows[3].near, rows[3].far} {
		get.home = (&command{args: []string{program, "login", "--robot", "acme+ci", "--credential-helper"}, env: get.env}).run(ctx, folder)
	}
	return rows
}

// takeTurns runs every command once per round, in a new order each time, so that
// other work on the machine slows all of them. The first round only warms caches.
func takeTurns(ctx context.Context, folder string, rows []row, runs int) {
	var all []*command
	for _, r := range rows {
		all = append(all, r.near, r.far)
	}
	for round := range runs + 1 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, c := range all {
			c.run(ctx, folder)
			if round == 0 {
				c.wall, c.cpu, c.memory = nil, nil, nil
			}
		}
	}
}

// command is measured in one job. CPU time and memory include the processes that it
// starts.
type command struct {
	args, env         []string
	home              string    // where the job logged in with the credential helper
	wall, cpu, memory []float64 // of each run: milliseconds, milliseconds, MB at the peak
}

// run runs the command once, in a new home unless it needs its own.
func (c *command) run(ctx context.Context, folder string) (home string) {
	process := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	if home = c.home; home == "" {
		home = must(os.MkdirTemp(folder, "home-"))
	} else {
		process.Stdin = strings.NewReader(strings.TrimPrefix(c.env[0], registryVariable+"="))
	}
	process.Env = append(slices.Clone(c.env), "HOME="+home, "DOCKER_CONFIG="+home)
	start := time.Now()
	output, err := process.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		panic(fmt.Errorf("%q: %w\n%s", c.args, err, output))
	}
	state := process.ProcessState
	c.wall = append(c.wall, 1000*took.Seconds())
	c.cpu = append(c.cpu, 1000*(state.UserTime()+state.SystemTime()).Seconds())
	c.memory = append(c.memory, float64(state.SysUsage().(*syscall.Rusage).Maxrss)*1024/1e6)
	return home
}

// spread prints the median, and the quartiles in brackets.
func spread(verb string, values []float64) string {
	sorted := slices.Sorted(slices.Values(values))
	at := func(quarter int) float64 { return sorted[((len(sorted)-1)*quarter+2)/4] }
	return fmt.Sprintf(verb+" ("+verb+" to "+verb+")", at(2), at(1), at(3))
}

func report(rows []row) {
	floor, load := rows[0].near.wall, must(os.ReadFile("/proc/loadavg"))
	fmt.Printf("%d CPUs, %s, %s; %d rounds; load %.4s.\n\n", runtime.NumCPU(), runtime.GOARCH, runtime.Version(), len(floor), load)
	fmt.Printf("| | on this machine, ms | times the floor | CPU time, ms | peak memory, MB | %d ms away, ms | round trips |\n", roundTrip.Milliseconds())
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range rows {
		times := slices.Clone(r.near.wall)
		for i := range times {
			times[i] /= floor[i]
		}
		trips := (slices.Min(r.far.wall) - slices.Min(r.near.wall)) / (1000 * roundTrip.Seconds())
		fmt.Printf("| %s | %s | %s | %s | %.1f | %s | %.1f |\n", r.name, spread("%.1f", r.near.wall), spread("%.2f", times),
			spread("%.1f", r.near.cpu), slices.Max(r.near.memory), spread("%.1f", r.far.wall), trips)
	}
}
