// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/certsd"
)

// authFileHints is for auth files that cannot be used.
func authFileHints(err error) []string {
	var file *authfile.Error
	var ca *certsd.Error
	switch {
	case errors.As(err, &ca), errors.Is(err, certsd.ErrUnsupported):
		return []string{"without --install-ca the tools take the CA from a folder that they are told: --cert-dir DIR with the CA in DIR/ca.crt"}
	case errors.Is(err, authfile.ErrNoPlace):
		return []string{"a folder of its own for this login: --isolated, with --auth-dir DIR where RUNNER_TEMP and TMPDIR are read-only too", "one file: --authfile PATH"}
	case !errors.As(err, &file):
		return nil
	}
	switch file.Reason {
	case authfile.Locked:
		return []string{"another quay-keyless is writing the file: try again, or raise --timeout"}
	case authfile.RecordVersion:
		return []string{"log out with the version of quay-keyless that logged in"}
	case authfile.Contended:
		return []string{"another tool writes the file all the time: log in before it starts, or with --authfile PATH"}
	case authfile.Empty:
		return []string{fmt.Sprintf("an auth file without logins is {}: echo {} > %s", shell(file.Path))}
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
