// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Bench measures a login of a GitHub job on the sandbox against the least that
// it could cost (floor) and against what people run today (curl, jq and podman
// login), a credential helper's get, the action's main phase against Node and the
// login that it starts, and the program's start against that of an empty one.
// Servers are on this machine, and once more a round trip of 50 ms away. All take
// turns in one run, so that a busy machine is busy for all. It prints the tables
// of docs/performance.md, and needs root for the distance.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

// recipe is the shell that the quay-keyless login replaces.
const recipe = `set -eu
id_token=$(curl -sSf -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=quay" | jq -r .value)
token=$(curl -sSf -u "acme+ci:$id_token" "https://$QUAY_REGISTRY/oauth2/federation/robot/token" | jq -r .token)
printf %s "$token" | podman login --cert-dir "$CERTS" --username acme+ci --password-stdin "$QUAY_REGISTRY" >/dev/null
`

const empty = "package main\n\nfunc main() {}\n"

// roundTrip is how far away the far servers are.
const roundTrip = 50 * time.Millisecond

func main() {
	runs := flag.Int("runs", 40, "how often each is run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := bench(ctx, *runs)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// contenders are all that take part. A far one is nil where no server is asked.
type contenders struct {
	floor, login, recipe, helper, action pair
	empty, version, node                 pair
}

// pair is one command with the servers on this machine and with distant ones.
type pair struct{ near, far *contender }

func (c *contenders) all() []pair {
	return []pair{c.floor, c.login, c.recipe, c.helper, c.empty, c.version, c.node, c.action}
}

func bench(ctx context.Context, runs int) error {
	folder, err := os.MkdirTemp("", "quay-keyless-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	if err := build(ctx, folder); err != nil {
		return err
	}
	away, err := newDistance(roundTrip)
	if err != nil {
		return fmt.Errorf("a network device for the distance, which needs root: %w", err)
	}
	defer away.close()
	near, stop, err := startJob(ctx, folder, place{listen: "0.0.0.0:0", names: []string{"127.0.0.2"}, gitHub: "127.0.0.2"})
	if err != nil {
		return err
	}
	defer stop()
	far, stop, err := startJob(ctx, folder, place{listen: local + ":8443", hostname: quayAway + ":8443", names: []string{gitHubAway}, gitHub: gitHubAway})
	if err != nil {
		return err
	}
	defer stop()
	all, err := enter(ctx, folder, near, far)
	if err != nil {
		return err
	}
	if err := takeTurns(ctx, all, runs, folder); err != nil {
		return err
	}
	report(os.Stdout, all)
	if err := reportStart(ctx, os.Stdout, folder); err != nil {
		return err
	}
	return reportSizes(ctx, os.Stdout, folder)
}

// enter lines them up.
func enter(ctx context.Context, folder string, near, far *job) (*contenders, error) {
	program := filepath.Join(folder, "quay-keyless")
	shim, err := action(folder, program)
	if err != nil {
		return nil, err
	}
	both := func(name string, command ...string) pair {
		return pair{newContender(name, near, command), newContender(name, far, command)}
	}
	all := &contenders{
		floor:   both("floor", filepath.Join(folder, "floor")),
		login:   both("`quay-keyless login`", program, "login", "--robot", "acme+ci"),
		recipe:  both("curl, jq, `podman login`", "sh", "-c", recipe),
		helper:  both("the credential helper's `get`", program, "get"),
		action:  both("the action's main phase", node(), shim),
		empty:   pair{near: newContender("an empty Go program", near, []string{filepath.Join(folder, "empty")})},
		version: pair{near: newContender("`quay-keyless version`", near, []string{program, "version"})},
		node:    pair{near: newContender("`node -e 0`", near, []string{node(), "-e", "0"})},
	}
	for _, helper := range []*contender{all.helper.near, all.helper.far} {
		if err := helper.become(ctx, program, folder); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// takeTurns runs all of them so often, in another order in each round. Those that
// are compared run one soon after the other, so that what else the machine does
// then is the same for them. The first round only warms the machine's caches.
func takeTurns(ctx context.Context, all *contenders, runs int, folder string) error {
	groups := [][]*contender{
		{all.floor.near, all.login.near, all.recipe.near, all.helper.near},
		{all.floor.far, all.login.far, all.recipe.far, all.helper.far},
		{all.empty.near, all.version.near},
		{all.node.near, all.action.near, all.action.far},
	}
	for round := range runs + 1 {
		shuffle(groups)
		for _, group := range groups {
			shuffle(group)
			for _, c := range group {
				taken, err := c.run(ctx, folder)
				if err != nil {
					return err
				}
				if round > 0 {
					c.samples = append(c.samples, taken)
				}
			}
		}
	}
	return nil
}

func shuffle[T any](list []T) {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// build makes the Go programs as a release does.
func build(ctx context.Context, folder string) error {
	source := filepath.Join(folder, "empty.go")
	if err := os.WriteFile(source, []byte(empty), 0o600); err != nil {
		return err
	}
	for name, path := range map[string]string{
		"quay-keyless": "./cmd/quay-keyless", "quay-sandbox": "./cmd/quay-sandbox", "floor": "./internal/bench/floor", "empty": source,
	} {
		if err := compile(ctx, filepath.Join(folder, name), path, "-ldflags", "-s -w"); err != nil {
			return err
		}
	}
	return nil
}

func compile(ctx context.Context, program, source string, flags ...string) error {
	arguments := append([]string{"build", "-trimpath"}, flags...)
	command := exec.CommandContext(ctx, "go", append(arguments, "-o", program, source)...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("building %s: %w", source, err)
	}
	return nil
}
