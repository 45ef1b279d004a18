// SPDX-License-Identifier: Apache-2.0

package process

import (
	"io"
	"time"

	"quay-keyless/internal/platform"
)

// ExitSignal is the base of exit codes for signals.
const ExitSignal = 128 // plus the signal's number

// Run is one run of the program.
type Run struct {
	Env Env
	// Platform receives all words; a command may change its stream.
	Platform platform.Platform
	// Secrets are removed from all words, and from results except those of token.
	Secrets *platform.Secrets
	// Waiting shows what the program waits for. It is the Env's standard error.
	Waiting *Waiting
	// Running is true after the command line was parsed.
	Running bool
	// PostStep is true if the job has already done its work, so that an error must not
	// fail it.
	PostStep bool
	// Verbose shows all that a message has.
	Verbose bool
}

// NewRun is a run whose command line is not parsed yet.
func NewRun(env Env) *Run {
	r := &Run{Env: env, Secrets: new(platform.Secrets)}
	r.Waiting = NewWaiting(env, r.Secrets)
	r.Env.Stderr = r.Waiting
	r.Platform = Speak(r, r.Env.Stderr)
	return r
}

// ShowWaiting shows what the program waits for, until end is called.
func (r *Run) ShowWaiting() (end func()) {
	if r.Env.Seconds == nil {
		return func() {}
	}
	ticks, stop := r.Env.Seconds()
	hide := r.Waiting.Start(ticks)
	return func() { hide(); stop() }
}

// Page is where a page of the docs is: its address in a release, else its path.
func (r *Run) Page(path string) string {
	if r.Env.Repository == "" || r.Env.Version == "" {
		return path
	}
	return "https://github.com/" + r.Env.Repository + "/blob/" + r.Env.Version + "/" + path
}

// Speak detects the platform and makes it write to this stream.
func Speak(run *Run, words io.Writer) platform.Platform {
	return platform.Detect(run.Words(words))
}

// Words is what a platform needs that writes to this stream.
func (r *Run) Words(words io.Writer) platform.Env {
	return platform.Env{Getenv: r.Env.Getenv, Words: words, Results: r.Env.Stdout, Secrets: r.Secrets, Screen: r.Env.screen(words), Now: func() time.Time { return r.Env.Clock.Now() }}
}
