// SPDX-License-Identifier: Apache-2.0

package process

import (
	"io"

	"quay-keyless/internal/platform"
)

// The exit codes, part of the program's interface.
const (
	ExitSignal = 128 // plus the signal's number
)

// Run is one run of the program.
type Run struct {
	Env Env
	// host is where words go; it is a command's to choose the stream.
	Platform platform.Platform
	// secrets stay out of all words and results but token's.
	Secrets *platform.Secrets
	// running is true once the command line was understood.
	Running bool
	// after is true where the job's own work is done, so that what goes wrong
	// now is no error of the job's.
	PostStep bool
}

// Speak finds the host, for words on that stream.
func Speak(run *Run, words io.Writer) platform.Platform {
	return platform.Detect(platform.Env{Getenv: run.Env.Getenv, Words: words, Results: run.Env.Stdout, Secrets: run.Secrets})
}
