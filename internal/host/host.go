// SPDX-License-Identifier: Apache-2.0

// Package host speaks to what the program runs in: GitHub Actions, GitLab CI,
// Tekton or a terminal. It masks secrets, says words and hands on results in
// the way of each.
package host

import (
	"io"
	"time"

	"quay-keyless/internal/idtoken"
)

// Host is what the program runs in and reports to.
type Host interface {
	// Name is how messages call it.
	Name() string
	// Mask keeps a secret out of everything that the job's log shows from now
	// on, where the host can do that.
	Mask(idtoken.Secret)
	// Remember notes where a login will be written, before it is, so that it is
	// taken away even if the job is cancelled in between.
	Remember(Result) error
	// Publish hands a login's results to the steps that follow.
	Publish(Result) error
	// Notice says something in passing.
	Notice(text string)
	// Warn says what may go wrong later.
	Warn(Message)
	// Fail says why the job cannot go on. It is the last word.
	Fail(Message)
}

// Message is one sentence and what can be done about it.
type Message struct {
	Text  string
	Hints []string // each can be pasted, or is a sentence of its own
}

// Result is what a login made.
type Result struct {
	Registry  string
	Username  string // the robot's full name
	ExpiresAt time.Time
	AuthFiles []string       // where the login was written, the one for every tool first
	Token     idtoken.Secret // empty unless the user asked to hand it on
}

// Output is one result under the name that every host gives it.
type Output struct {
	Name, Value string
}

// Outputs is the ordered list of results that hosts hand on, without the token.
func (r Result) Outputs() []Output {
	var authFile string
	if len(r.AuthFiles) > 0 {
		authFile = r.AuthFiles[0]
	}
	return []Output{
		{"registry", r.Registry},
		{"username", r.Username},
		{"expires-at", r.ExpiresAt.UTC().Format(time.RFC3339)},
		{"authfile", authFile},
	}
}

// Env is what hosts may look at.
type Env struct {
	Getenv func(string) string
	// Words is where the host's words go.
	Words io.Writer
}

// Detect finds the host from the variables that each sets in its jobs.
func Detect(env Env) Host {
	words := words{out: env.Words}
	switch {
	case env.Getenv("GITHUB_ACTIONS") == "true":
		return newGitHub(env)
	case env.Getenv("GITLAB_CI") == "true":
		return GitLab{words}
	case env.Getenv(resultVariable("registry")) != "":
		return Tekton{words, env.Getenv}
	}
	return Terminal{words}
}
