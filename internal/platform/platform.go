// SPDX-License-Identifier: Apache-2.0

// Package platform speaks to what the program runs in: GitHub Actions, GitLab CI,
// Tekton or a terminal. It masks secrets, says words and hands on results in
// the way of each.
package platform

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/idtoken"
)

// Platform is what the program runs in and reports to.
type Platform interface {
	// Name is how messages call it.
	Name() string
	// Can is what it does for the steps that follow.
	Can() Abilities
	// Mask removes a secret from the job's log from now on, if the platform can.
	Mask(idtoken.Secret)
	// Ready finds, before a login, what would keep Remember or Publish from writing.
	Ready() error
	// Remember notes where a login will be written before it is, so that the post step
	// removes it even if the job is cancelled in between.
	Remember(Result) error
	// Publish hands a login's results to the next steps.
	Publish(context.Context, Result) error
	// Notice prints information.
	Notice(text string)
	// Warn says what may fail later.
	Warn(Message)
	// Fail says why the job cannot continue. Nothing follows it.
	Fail(Message)
	// Summarize adds a report to the page for reports, if the platform has one.
	Summarize(Table)
}

// Abilities are what the steps that follow a login can count on.
type Abilities struct {
	// HandOn: they get the login's variables and outputs. Elsewhere a shell sets the
	// variables from standard output.
	HandOn bool
	// Tell: they learn where the login is without standard output.
	Tell bool
	// Sudo: they may have it. Containers of GitLab and Tekton jobs do not.
	Sudo bool
}

// Login is one login that was made.
type Login struct {
	Registry  string // its key in the auth file
	Username  string // the robot's full name
	ExpiresAt time.Time
	Token     idtoken.Secret // empty unless the user asked to hand it on
}

// Variable is an environment variable that the next steps need.
type Variable struct {
	Name, Value string
}

// Result is what a login command made.
type Result struct {
	Logins    []Login
	AuthFiles []string // where the logins were written, the one for every tool first
	Holder    string   // whose logins they are, see [Holder]
	Exports   []Variable
	Path      string // a folder that belongs on PATH, "" for none
	Renews    bool   // tools get a fresh robot token for each use
}

// Output is one result under the name that every platform gives it.
type Output struct {
	Name, Value string
}

// Outputs is the ordered list of results that platforms hand on, without the token. With
// several logins they have a line each, and the earliest expiry.
func (r Result) Outputs() []Output {
	var registries, usernames []string
	var first time.Time
	for _, login := range r.Logins {
		registries = append(registries, login.Registry)
		usernames = append(usernames, login.Username)
		if first.IsZero() || login.ExpiresAt.Before(first) {
			first = login.ExpiresAt
		}
	}
	var authFile string
	if len(r.AuthFiles) > 0 {
		authFile = r.AuthFiles[0]
	}
	return []Output{
		{"registry", strings.Join(registries, "\n")},
		{"username", strings.Join(usernames, "\n")},
		{"expires-at", first.UTC().Format(time.RFC3339)},
		{"authfile", authFile},
	}
}

// names are all the values of a result that no line break may hide in.
func (r Result) names() []string {
	names := append(slices.Clone(r.AuthFiles), r.Path)
	for _, login := range r.Logins {
		names = append(names, login.Registry, login.Username)
	}
	for _, variable := range r.Exports {
		names = append(names, variable.Name, variable.Value)
	}
	return names
}

// Env is what platforms may use.
type Env struct {
	Getenv func(string) string
	// Words is where the platform's words go, Results where a shell's eval takes
	// what the steps that follow need. They may be used by several goroutines.
	Words, Results io.Writer
	// Secrets stay out of all words; those that are masked are added.
	Secrets *Secrets
	// Screen is where Words go, Now the time.
	Screen Screen
	Now    func() time.Time
}

// Detect finds the platform by the variables that it sets in its jobs. If several have
// set theirs, it is GitHub only if a GitHub runner reads the output.
func Detect(env Env) Platform {
	env.Words = &oneAtATime{out: env.Words}
	if env.Secrets == nil {
		env.Secrets = new(Secrets)
	}
	words := words{env.Words, env.Results, env.Secrets, env.Screen}
	github := env.Getenv("GITHUB_ACTIONS") == "true"
	switch {
	case github && runnerReads(env.Getenv):
		return newGitHub(env, words)
	case env.Getenv("GITLAB_CI") == "true":
		return GitLab{words, env.Now}
	case env.Getenv(resultVariable("registry")) != "":
		return Tekton{words, env.Getenv}
	case github:
		return newGitHub(env, words)
	}
	return Terminal{words}
}
