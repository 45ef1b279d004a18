// SPDX-License-Identifier: Apache-2.0

package process

import (
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/term"

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
	r.Waiting = &Waiting{out: env.Stderr, screen: env.screen(env.Stderr), secrets: r.Secrets}
	r.Env.Stderr = r.Waiting
	r.Platform = platform.Detect(r.Words(r.Waiting))
	return r
}

// Page is the address of a page of the docs; "" unless this is a release.
func (r *Run) Page(path string) string {
	if r.Env.Repository == "" || r.Env.Version == "" {
		return ""
	}
	return "https://github.com/" + r.Env.Repository + "/blob/" + r.Env.Version + "/" + path
}

// Words is what a platform needs that writes to this stream.
func (r *Run) Words(words io.Writer) platform.Env {
	now := func() time.Time { return r.Env.Clock.Now() }
	return platform.Env{Getenv: r.Env.Getenv, Words: words, Results: r.Env.Stdout, Secrets: r.Secrets, Screen: r.Env.screen(words), Now: now}
}

// screen is what a stream shows words on. COLUMNS says how wide it is, as in shells.
// NO_COLOR, TERM=dumb and CLICOLOR_FORCE choose the colours (no-color.org,
// bixense.com/clicolors).
func (e Env) screen(words io.Writer) platform.Screen {
	if waiting, ok := words.(*Waiting); ok {
		return waiting.screen
	}
	var screen platform.Screen
	if file, ok := words.(*os.File); ok && term.IsTerminal(int(file.Fd())) { //nolint:gosec // a descriptor
		screen.Terminal = true
		screen.Width, _, _ = term.GetSize(int(file.Fd())) //nolint:gosec // a descriptor
	}
	if columns, err := strconv.Atoi(e.Getenv("COLUMNS")); err == nil && columns > 0 {
		screen.Width = columns
	}
	dumb := e.Getenv("TERM") == "dumb"
	force := e.Getenv("CLICOLOR_FORCE")
	screen.Colour = e.Getenv("NO_COLOR") == "" && (screen.Terminal && !dumb || force != "" && force != "0")
	screen.Terminal = screen.Terminal && !dumb
	return screen
}
