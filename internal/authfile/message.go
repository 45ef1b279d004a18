// SPDX-License-Identifier: Apache-2.0

package authfile

import "quay-keyless/internal/platform"

// Message says what to do about the file.
func (e *Error) Message() platform.Message {
	m := platform.Message{Text: e.Error(), Reason: "auth-file-unusable"}
	switch e.Reason {
	case Locked:
		m.Reason, m.Steps = "auth-file-locked", Again()
	case RecordVersion:
		m.Text, m.Said, m.Reason = "another version of quay-keyless logged in here", e.Error(), "auth-file-version"
		m.Steps = []platform.Step{{Text: "Log out with the version of quay-keyless that logged in."}}
	case Contended:
		m.Text, m.Said, m.Reason = "another tool overwrote the auth file each time", e.Error(), "auth-file-contended"
		m.Steps = []platform.Step{{Text: "Log in before that tool starts, or with --authfile PATH."}}
	case Empty:
		m.Reason = "auth-file-damaged"
		m.Steps = []platform.Step{{Text: "To make it an auth file without logins:", Command: "echo {} > " + platform.Shell(e.Path)}}
	case Duplicate:
		m.Reason, m.Steps = "auth-file-damaged", append([]platform.Step{{Text: "Remove one of the two from the file."}}, Elsewhere()...)
	case NotJSON, TrailingData, NotObject, AuthsNotObject, HelpersNotObject:
		m.Reason, m.Steps = "auth-file-damaged", append([]platform.Step{{Text: "Correct the file: podman and docker cannot read it either."}}, Elsewhere()...)
	case Other, BadEntry:
	default:
		m.Steps = Elsewhere()
	}
	return m
}

// Elsewhere are the ways around a file that others own.
func Elsewhere() []platform.Step {
	return []platform.Step{
		{Text: "To write this login to a private folder, add --isolated."},
		{Text: "To write it to one file, add --authfile PATH, and set REGISTRY_AUTH_FILE=PATH for the steps that follow."},
	}
}

// Again is what to do after a lock that another process had.
func Again() []platform.Step {
	return []platform.Step{{Text: "Another quay-keyless is writing the file. Try again."}}
}
