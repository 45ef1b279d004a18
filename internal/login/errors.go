// SPDX-License-Identifier: Apache-2.0

package login

import (
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// RefusedIDToken is an exchange that failed, with what its cures need.
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

// warn shows an error that does not end the command.
func warn(run *process.Run, err error) {
	m := platform.MessageOf(err)
	m.Reason = ""
	run.Platform.Warn(m)
}
