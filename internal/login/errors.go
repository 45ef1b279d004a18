// SPDX-License-Identifier: Apache-2.0

package login

import (
	"errors"
	"fmt"
	"path/filepath"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/errno"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// RefusedIDToken is an exchange that failed, with what its hints need.
type RefusedIDToken struct {
	Target request.Target
	Source idtoken.Source
	Claims idtoken.Claims
	// Verified: the issuer was reached from here, and its key fits the ID token.
	Verified bool
	Err      error
}

// Error is the text.
func (r *RefusedIDToken) Error() string { return r.Err.Error() }

// Unwrap is the cause.
func (r *RefusedIDToken) Unwrap() error { return r.Err }

// RefusedLogin is a robot token that the registry rejects, or one without a permission.
type RefusedLogin struct {
	Target     request.Target
	Claims     idtoken.Claims  // of the ID token that was exchanged
	Permission quay.Permission // that was asked for, if one was
	Err        error
}

// Error is the text.
func (r *RefusedLogin) Error() string { return r.Err.Error() }

// Unwrap is the cause.
func (r *RefusedLogin) Unwrap() error { return r.Err }

// PlaceError says that the helper's program could not be installed in a folder.
type PlaceError struct {
	Folder string
	Err    error
}

// Error is the text.
func (p *PlaceError) Error() string {
	return fmt.Sprintf("putting %s into %s: %v", credhelper.Program, p.Folder, errno.WithoutPath(p.Err))
}

// Unwrap is the cause.
func (p *PlaceError) Unwrap() error { return p.Err }

// Message says how to make room, or which folder to choose.
func (p *PlaceError) Message() platform.Message {
	m := platform.Message{Text: p.Error(), Reason: "helper-folder"}
	if errors.Is(p.Err, credhelper.ErrOccupied) {
		m.Steps = []platform.Step{{Text: "If you do not need that program:", Command: "rm " + platform.Operand(filepath.Join(p.Folder, credhelper.Program))}}
	}
	m.Steps = append(m.Steps, platform.Step{Text: "Choose a folder on PATH that this user can write, with --helper-dir DIR."})
	return m
}

// warn shows an error that does not end the command.
func warn(run *process.Run, err error) {
	m := platform.MessageOf(err)
	m.Reason = ""
	run.Platform.Warn(m)
}
