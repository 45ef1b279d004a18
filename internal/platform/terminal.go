// SPDX-License-Identifier: Apache-2.0

package platform

import "context"

// Terminal is a person's terminal, and every CI system that this package does
// not know.
type Terminal struct{ words }

var _ Platform = Terminal{}

// Name is terminal.
func (Terminal) Name() string { return "terminal" }

// Can says that a terminal leaves variables to the shell.
func (Terminal) Can() Abilities { return Abilities{Sudo: true} }

// Remember notes nothing: nothing follows.
func (Terminal) Remember(result Result) error { return exportable(result) }

// Publish prints what eval sets; the auth file is all else there is to hand on.
func (t Terminal) Publish(_ context.Context, result Result) error { return t.export(result) }
