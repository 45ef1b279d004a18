// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"quay-keyless/internal/sandbox"
)

// commands are what scripts can say beyond testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":    exits,
	"github":   github,
	"post":     post,
	"gitlab":   gitlab,
	"platform": platform,
	"mint":     mint,
	"fault":    fault,
	"requests": requests,
	"advance":  advance,
	"proxy":    startProxy,
	"proxied":  proxied,
	"mode":     mode,
	"same":     same,
	"said":     said,

	"interrupted":  interrupted,
	"unprivileged": unprivileged,
}

// exits CODE PROGRAM [ARG...] runs a program that ends with that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// unprivileged PROGRAM [ARG...] runs a program that fails, as nobody where the
// tests run as root, whom no permission stops.
func unprivileged(ts *testscript.TestScript, _ bool, args []string) {
	if os.Getuid() == 0 {
		work := ts.Getenv("WORK")
		bin, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
		for _, folder := range []string{work, filepath.Dir(work), bin, filepath.Dir(bin)} {
			ts.Check(os.Chmod(folder, 0o755))
		}
		ts.Check(os.Chmod(recordPath(work), 0o666))
		args = append([]string{"setpriv", "--reuid=65534", "--clear-groups", "--no-new-privs"}, args...)
	}
	if ts.Exec(args[0], args[1:]...) == nil {
		ts.Fatalf("it succeeded")
	}
}

// interrupted SIGNAL CODE TARGET PROGRAM [ARG...] runs a program against an
// endpoint that does not answer, signals it once it has asked there, and
// expects it to end with that exit code.
func interrupted(ts *testscript.TestScript, _ bool, args []string) {
	number := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM}[args[0]]
	target, box := args[2], of(ts).sandbox
	before := box.Requests(target)
	box.Fault(sandbox.Fault{Target: target, Kind: sandbox.Slow})
	defer box.ClearFaults()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for tick := time.Tick(time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick:
			}
			if box.Requests(target) > before {
				if pid, err := os.ReadFile(ts.MkAbs(".pid")); err == nil {
					n, _ := strconv.Atoi(string(pid))
					if process, err := os.FindProcess(n); err == nil {
						_ = process.Signal(number)
					}
				}
				return
			}
		}
	}()
	exits(ts, false, append([]string{args[1]}, args[3:]...))
}

// github [KEY=VALUE...] makes the script a GitHub job with id-token: write. The
// keys are repository, ref, event and environment.
func github(ts *testscript.TestScript, _ bool, args []string) {
	var job sandbox.Job
	for key, value := range pairs(ts, args) {
		switch key {
		case "repository":
			job.Repository = value
		case "ref":
			job.Ref = value
		case "event":
			job.Event = value
		case "environment":
			job.Environment = value
		default:
			ts.Fatalf("github: unknown key %q", key)
		}
	}
	setenv(ts, of(ts).sandbox.GitHubEnv(job))
	for _, file := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"} {
		ts.Setenv(file, ts.MkAbs(strings.ToLower(file)))
	}
}

// post runs the command that the action's post phase runs, logout, with the variables
// that the action makes of what the job has saved in GITHUB_STATE.
func post(ts *testscript.TestScript, _ bool, _ []string) {
	lines := strings.Split(ts.ReadFile(ts.Getenv("GITHUB_STATE")), "\n")
	for i := 0; i < len(lines); i++ {
		name, end, heredoc := strings.Cut(lines[i], "<<")
		if !heredoc {
			continue
		}
		var value []string
		for i++; i < len(lines) && lines[i] != end; i++ {
			value = append(value, lines[i])
		}
		name = "QUAY_" + strings.ToUpper(name)
		before := ts.Getenv(name)
		ts.Setenv(name, strings.Join(value, "\n"))
		defer ts.Setenv(name, before)
	}
	ts.Check(ts.Exec("quay-keyless", "logout"))
}

// gitlab makes the script a GitLab job that declares QUAY_ID_TOKEN.
func gitlab(ts *testscript.TestScript, _ bool, _ []string) {
	variables, err := of(ts).sandbox.GitLabEnv()
	ts.Check(err)
	setenv(ts, variables)
}

// platform NAME makes the script a job or a machine of another platform.
func platform(ts *testscript.TestScript, _ bool, args []string) {
	variables, err := of(ts).sandbox.PlatformEnv(args[0])
	ts.Check(err)
	setenv(ts, variables)
}

// mint FILE [KEY=VALUE...] writes an ID token to a file. The keys are issuer,
// sub, aud, alg, key=other, h.NAME for a header and c.NAME for a claim; a value
// that is JSON counts as such, and the value - leaves the thing out.
func mint(ts *testscript.TestScript, _ bool, args []string) {
	token := sandbox.Token{Header: map[string]any{}, Claims: map[string]any{}}
	for key, value := range pairs(ts, args[1:]) {
		switch {
		case key == "issuer":
			token.Issuer = value
		case key == "sub":
			token.Subject = value
		case key == "aud":
			token.Audience = strings.Split(value, ",")
		case key == "alg":
			token.Alg = value
		case key == "key":
			token.OtherKey = true
		case strings.HasPrefix(key, "h."):
			token.Header[key[2:]] = scalar(value)
		case strings.HasPrefix(key, "c."):
			token.Claims[key[2:]] = scalar(value)
		default:
			ts.Fatalf("mint: unknown key %q", key)
		}
	}
	text, err := of(ts).sandbox.Mint(token)
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs("secrets/quay"), 0o700))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text+"\n"), 0o600))
}

// scalar is a value for a claim: nothing, a number of seconds from now as
// now+90s, a number, or text.
func scalar(value string) any {
	if value == "-" {
		return nil
	}
	if ahead, ok := strings.CutPrefix(value, "now"); ok {
		d, err := time.ParseDuration(ahead)
		if err == nil {
			return time.Now().Add(d).Unix()
		}
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		return n
	}
	return value
}

// fault TARGET=KIND[,...] makes the sandbox misbehave; "fault none" ends that.
func fault(ts *testscript.TestScript, _ bool, args []string) {
	for _, text := range args {
		if text == "none" {
			of(ts).sandbox.ClearFaults()
			continue
		}
		parsed, err := sandbox.ParseFault(text)
		ts.Check(err)
		of(ts).sandbox.Fault(parsed)
	}
}

// requests TARGET=N... asserts how many requests the endpoints got in all.
func requests(ts *testscript.TestScript, _ bool, args []string) {
	for target, text := range pairs(ts, args) {
		want, err := strconv.Atoi(text)
		ts.Check(err)
		if got := of(ts).sandbox.Requests(target); got != want {
			ts.Fatalf("%s got %d requests, want %d: %v", target, got, want, of(ts).sandbox.History(target))
		}
	}
}

// advance DURATION moves the sandbox's clock.
func advance(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	of(ts).sandbox.Advance(d)
}

// mode MODE FILE... asserts the files' permissions.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args[1:] {
		info, err := os.Stat(ts.MkAbs(file))
		ts.Check(err)
		if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", file, got, args[0])
		}
	}
}

// same FILE FILE compares two files by their bytes, where cmp normalizes.
func same(ts *testscript.TestScript, neg bool, args []string) {
	a, b := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	if (a == b) == neg {
		ts.Fatalf("%s and %s: same is %t", args[0], args[1], a == b)
	}
}

// said FILE GOLDEN compares what a program said (stdout, stderr or a file) with
// what people should read. Names and times of this run stand as <quay>, <work>,
// <time>; masks, which people never see, are left out.
func said(ts *testscript.TestScript, _ bool, args []string) {
	text := masks.ReplaceAllString(ts.ReadFile(args[0]), "")
	text = strings.NewReplacer(ts.Getenv("REGISTRY"), "<quay>", ts.Getenv("WORK"), "<work>").Replace(text)
	for _, row := range volatile {
		text = row.pattern.ReplaceAllString(text, row.replacement)
	}
	if want := ts.ReadFile(args[1]); text != want {
		ts.Fatalf("it said\n%s\nand should say\n%s", text, want)
	}
}

var masks = regexp.MustCompile(`(?m)^::add-mask::.*\n`)

func of(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

func pairs(ts *testscript.TestScript, args []string) map[string]string {
	m := map[string]string{}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%q is not KEY=VALUE", arg)
		}
		m[key] = value
	}
	return m
}

func setenv(ts *testscript.TestScript, variables map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		ts.Setenv(name, variables[name])
	}
}
