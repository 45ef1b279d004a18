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
	"github.com/rogpeppe/go-internal/txtar"

	"quay-keyless/internal/sandbox"
)

// commands are what scripts can say beyond testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":    exits,
	"github":   github,
	"post":     post,
	"gitlab":   gitlab,
	"platform": onPlatform,
	"mint":     mint,
	"fault":    fault,
	"requests": requests,
	"advance":  advance,
	"proxy":    startProxy,
	"proxied":  proxied,
	"mode":     mode,
	"same":     same,
	"said":     said,

	"interrupted": interrupted,
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
	if want := ts.ReadFile(args[1]); text != want && *update {
		rewrite(ts, args[1], text)
	} else if text != want {
		ts.Fatalf("it said\n%s\nand should say\n%s", text, want)
	}
}

// rewrite puts a text in the place of a file in the script.
func rewrite(ts *testscript.TestScript, name, text string) {
	path := filepath.Join("..", "..", "testdata", "script", ts.Name()+".txtar")
	script, err := txtar.ParseFile(path)
	ts.Check(err)
	for i := range script.Files {
		if script.Files[i].Name == name {
			script.Files[i].Data = []byte(text)
		}
	}
	ts.Check(os.WriteFile(path, txtar.Format(script), 0o644)) //nolint:gosec // public
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
