// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"quay-keyless/internal/sandbox"
)

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
	ts.Check(os.WriteFile(ts.Getenv("GITHUB_STATE"), nil, 0o600)) // by which the program knows a runner
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
func onPlatform(ts *testscript.TestScript, _ bool, args []string) {
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
			token.Header[key[2:]] = scalar(value, of(ts).now)
		case strings.HasPrefix(key, "c."):
			token.Claims[key[2:]] = scalar(value, of(ts).now)
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
func scalar(value string, now time.Time) any {
	if value == "-" {
		return nil
	}
	if ahead, ok := strings.CutPrefix(value, "now"); ok {
		d, err := time.ParseDuration(ahead)
		if err == nil {
			return now.Add(d).Unix()
		}
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		return n
	}
	return value
}
