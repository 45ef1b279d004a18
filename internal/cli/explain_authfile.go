// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"

	"quay-keyless/internal/authfile"
)

// authFileHints is for auth files that cannot be used.
func authFileHints(err error) []string {
	var file *authfile.Error
	switch {
	case errors.Is(err, authfile.ErrNoHome):
		return []string{"--authfile PATH, or set DOCKER_CONFIG to a folder of this job"}
	case !errors.As(err, &file):
		return nil
	}
	elsewhere := "another file: --authfile PATH, and REGISTRY_AUTH_FILE=PATH for the steps that follow"
	switch file.Reason {
	case authfile.Locked:
		return []string{"another quay-keyless is writing the file: try again, or raise --timeout"}
	case authfile.StateVersion:
		return []string{"log out with the version of quay-keyless that logged in"}
	case authfile.Contended:
		return []string{"another tool writes the file all the time: log in before it starts, or with --authfile PATH"}
	case authfile.Empty:
		return []string{fmt.Sprintf("an auth file without logins is {}: echo {} > %s", file.Path)}
	case authfile.NotJSON, authfile.TrailingData, authfile.NotObject, authfile.AuthsNotObject:
		return []string{"look at the file: podman and docker would not read it either", elsewhere}
	case authfile.Foreign, authfile.NotReadable, authfile.NotPermitted, authfile.FolderNotWritable,
		authfile.FolderUncreatable, authfile.FolderReadOnly, authfile.ReadOnly, authfile.IsFolder, authfile.NotRegular,
		authfile.NameTooLong, authfile.SymlinkLoop, authfile.BadPath, authfile.TooLarge, authfile.NoSpace:
		return []string{elsewhere}
	}
	return nil
}
