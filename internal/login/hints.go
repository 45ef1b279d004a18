// SPDX-License-Identifier: Apache-2.0

package login

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/certsd"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/errno"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
)

// FileHints is for auth files, settings and folders that cannot be used.
func FileHints(err error) []string {
	const anotherFolder = "name a folder that this user may write: --helper-dir DIR, with DIR on the PATH of the steps that follow"
	var place *PlaceError
	var settings *credhelper.Error
	var file *authfile.Error
	var ca *certsd.Error
	switch {
	case errors.As(err, &place) && errors.Is(err, credhelper.ErrOccupied):
		return []string{"take it away if nobody needs it: rm " + platform.Operand(filepath.Join(place.Folder, credhelper.Program)), anotherFolder}
	case errors.As(err, &place):
		return []string{anotherFolder}
	case errors.As(err, &settings):
		return settingsHints(settings)
	case errors.As(err, &ca), errors.Is(err, certsd.ErrUnsupported):
		return []string{"without --install-ca the tools take the CA from a folder that they are told: --cert-dir DIR with the CA in DIR/ca.crt"}
	case errors.Is(err, lookup.ErrNoPlace):
		return []string{"a folder of its own for this login: --isolated, with --auth-dir DIR where RUNNER_TEMP and TMPDIR are read-only too", "one file: --authfile PATH"}
	case !errors.As(err, &file):
		return nil
	}
	switch file.Reason {
	case authfile.Locked:
		return lockedHints(err)
	case authfile.RecordVersion:
		return []string{otherVersion}
	case authfile.Contended:
		return []string{"another tool writes the file all the time: log in before it starts, or with --authfile PATH"}
	case authfile.Empty:
		return []string{fmt.Sprintf("an auth file without logins is {}: echo {} > %s", platform.Shell(file.Path))}
	case authfile.Duplicate:
		return []string{"remove one of the two from the file", elsewhere}
	case authfile.NotJSON, authfile.TrailingData, authfile.NotObject, authfile.AuthsNotObject, authfile.HelpersNotObject:
		return []string{"look at the file: podman and docker would not read it either", elsewhere}
	case authfile.Foreign, authfile.NotReadable, authfile.NotPermitted, authfile.FolderNotWritable,
		authfile.FolderUncreatable, authfile.FolderReadOnly, authfile.ReadOnly, authfile.IsFolder, authfile.NotRegular,
		authfile.NameTooLong, authfile.Untrusted, authfile.SymlinkLoop, authfile.BadPath, authfile.TooLarge, authfile.NoSpace:
		return []string{elsewhere}
	}
	return nil
}

// otherVersion is for a file that another version wrote.
const otherVersion = "log out with the version of quay-keyless that logged in"

// lockedHints is for a lock that another process had. Only a command with a --timeout can
// have been ended by it: logout has a limit of its own.
func lockedHints(err error) []string {
	if errors.As(err, new(request.ErrTimeout)) {
		return []string{"another quay-keyless is writing the file: try again, or raise --timeout"}
	}
	return []string{"another quay-keyless is writing the file: try again"}
}

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

// settingsHints is for settings that cannot be read or written.
func settingsHints(settings *credhelper.Error) []string {
	var refused *ownfile.Error
	var waited *ownfile.Locked
	var number syscall.Errno
	switch {
	case errors.As(settings, &waited):
		return lockedHints(settings)
	case errors.As(settings, &refused), errors.As(settings, &number): // the system will refuse the next login too
		return []string{elsewhere}
	case errors.Is(settings, credhelper.ErrVersion): // logins of that version need the file
		return []string{otherVersion}
	}
	return []string{"take the file away and log in again: rm " + platform.Operand(settings.Path)}
}
