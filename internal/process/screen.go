// SPDX-License-Identifier: Apache-2.0

package process

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"

	"quay-keyless/internal/platform"
)

// screen is what a stream shows words on. COLUMNS says how wide it is, as in shells.
// NO_COLOR, TERM=dumb and CLICOLOR_FORCE choose the colours (no-color.org,
// bixense.com/clicolors).
func (e Env) screen(words io.Writer) platform.Screen {
	var screen platform.Screen
	if waiting, ok := words.(*Waiting); ok {
		return waiting.screen
	}
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
