// SPDX-License-Identifier: Apache-2.0

package request

// UsageError is a command line that makes no sense. Main adds Command, whose help says
// more.
type UsageError struct {
	Command string
	Err     error
}

// Error is the text.
func (u *UsageError) Error() string { return u.Err.Error() }

// Unwrap is the cause.
func (u *UsageError) Unwrap() error { return u.Err }
