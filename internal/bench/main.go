// SPDX-License-Identifier: Apache-2.0

// Bench measures a login of a GitHub job on the sandbox against the least that
// it could cost (floor) and against what people run today (curl, jq and podman
// login), the action's main phase against Node and the login that it starts, and
// the program's start against that of an empty one. All of them take turns in
// one run, so that a busy machine is busy for all.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"quay-keyless/internal/sandbox"
)

// recipe is the shell that the quay-keyless login replaces.
const recipe = `set -eu
id_token=$(curl -sSf -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=quay" | jq -r .value)
token=$(curl -sSf -u "acme+ci:$id_token" "https://$QUAY_REGISTRY/oauth2/federation/robot/token" | jq -r .token)
printf %s "$token" | podman login --cert-dir "$CERTS" --username acme+ci --password-stdin "$QUAY_REGISTRY" >/dev/null
`

const empty = "package main\n\nfunc main() {}\n"

// systemRoots is where Debian keeps the system's certificates.
const systemRoots = "/etc/ssl/certs/ca-certificates.crt"

func main() {
	runs := flag.Int("runs", 20, "how often each is run")
	flag.Parse()
	if err := bench(*runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// contender is one command that is timed.
type contender struct {
	name    string
	command []string
	times   []time.Duration
	cpu     []time.Duration // of the command and of those that it started
}

func bench(runs int) error {
	folder, err := os.MkdirTemp("", "quay-keyless-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	if err := build(folder); err != nil {
		return err
	}
	environment, stop, err := job(folder)
	if err != nil {
		return err
	}
	defer stop()
	program := filepath.Join(folder, "quay-keyless")
	shim, err := action(folder, program)
	if err != nil {
		return err
	}
	login := &contender{name: "quay-keyless login", command: []string{program, "login", "--robot", "acme+ci"}}
	nothing := &contender{name: "node -e 0", command: []string{node(), "-e", "0"}}
	phase := &contender{name: "action, main phase", command: []string{node(), shim}}
	logins := []*contender{
		{name: "floor: 2 requests, 1 file", command: []string{filepath.Join(folder, "floor")}},
		login,
		{name: "curl, jq, podman login", command: []string{"sh", "-c", recipe}},
	}
	others := []*contender{
		{name: "empty program", command: []string{filepath.Join(folder, "empty")}},
		{name: "quay-keyless version", command: []string{program, "version"}},
		nothing,
		phase,
	}
	for range runs {
		for _, c := range slices.Concat(logins, others) {
			if err := c.run(environment, folder); err != nil {
				return err
			}
		}
	}
	report(logins, others)
	reportAction(phase, nothing, login)
	return reportSize(program)
}

// build makes the three Go programs as a release does.
func build(folder string) error {
	source := filepath.Join(folder, "empty.go")
	if err := os.WriteFile(source, []byte(empty), 0o600); err != nil {
		return err
	}
	for name, path := range map[string]string{"quay-keyless": "./cmd/quay-keyless", "floor": "./internal/bench/floor", "empty": source} {
		command := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(folder, name), path)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		command.Stderr = os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("building %s: %w", name, err)
		}
	}
	return nil
}

// job starts a sandbox and gives the environment of a GitHub job that trusts
// it as it trusts the system's roots.
func job(folder string) (environment []string, stop func(), err error) {
	s, err := sandbox.New(sandbox.Config{})
	if err != nil {
		return nil, nil, err
	}
	if err := s.Listen("127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	roots, err := os.ReadFile(systemRoots)
	if err != nil {
		return nil, nil, err
	}
	bundle := filepath.Join(folder, "roots.pem")
	if err := os.WriteFile(bundle, append(roots, s.CA...), 0o600); err != nil {
		return nil, nil, err
	}
	certs := filepath.Join(folder, "certs")
	if err := os.Mkdir(certs, 0o700); err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(filepath.Join(certs, "ca.crt"), s.CA, 0o600); err != nil {
		return nil, nil, err
	}
	environment = []string{
		"INPUT_ROBOT=acme+ci", // of the action; the others are told by their commands
		"PATH=" + os.Getenv("PATH"),
		"SSL_CERT_FILE=" + bundle, "CURL_CA_BUNDLE=" + bundle, "CERTS=" + certs, "QUAY_REGISTRY=" + s.Host,
	}
	for name, value := range s.GitHubEnv(sandbox.Job{}) {
		environment = append(environment, name+"="+value)
	}
	return environment, func() { _ = s.Close() }, nil
}

// run times the command in a new home, as a CI job has one.
func (c *contender) run(environment []string, folder string) error {
	home, err := os.MkdirTemp(folder, "home-")
	if err != nil {
		return err
	}
	command := exec.Command(c.command[0], c.command[1:]...)
	command.Env = append(slices.Clone(environment), "HOME="+home, "DOCKER_CONFIG="+home)
	start := time.Now()
	output, err := command.CombinedOutput()
	c.times = append(c.times, time.Since(start))
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", c.name, err, output)
	}
	c.cpu = append(c.cpu, command.ProcessState.UserTime()+command.ProcessState.SystemTime())
	return nil
}

func (c *contender) median() time.Duration {
	slices.Sort(c.times)
	return c.times[len(c.times)/2]
}

// reportAction says what the action costs beyond the two that it is made of, by
// the least of each: medians' errors would add up. On a busy machine the CPU time
// says more.
func reportAction(action, node, login *contender) {
	wall := slices.Min(action.times) - slices.Min(node.times) - slices.Min(login.times)
	cpu := slices.Min(action.cpu) - slices.Min(node.cpu) - slices.Min(login.cpu)
	fmt.Printf("%-26s %8.1f ms  beyond node -e 0 and the login (at most 70); %.1f ms of CPU time\n", "the action's own part", milliseconds(wall), milliseconds(cpu))
}

func report(logins, others []*contender) {
	fmt.Printf("%s/%s, %d CPUs, %s, median of %d runs in turn\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), len(logins[0].times))
	floor := logins[0].median()
	for _, c := range logins {
		fmt.Printf("%-26s %8.1f ms  %5.2f x floor\n", c.name, milliseconds(c.median()), float64(c.median())/float64(floor))
	}
	fmt.Println()
	for _, c := range others {
		fmt.Printf("%-26s %8.1f ms\n", c.name, milliseconds(c.median()))
	}
}

func reportSize(program string) error {
	info, err := os.Stat(program)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-26s %8.2f MB\n", "binary, stripped", float64(info.Size())/1e6)
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
