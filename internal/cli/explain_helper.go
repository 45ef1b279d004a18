// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/errno"
	"quay-keyless/internal/host"
	"quay-keyless/internal/ownfile"
)

// placeError is a folder into which the helper's program cannot be put.
type placeError struct {
	folder string
	err    error
}

func (p *placeError) Error() string {
	return fmt.Sprintf("putting %s into %s: %v", credhelper.Program, p.folder, errno.Of(p.err))
}

func (p *placeError) Unwrap() error { return p.err }

// helperHints is for what keeps a helper from its place or from its settings, nil
// for all else.
func helperHints(err error) []string {
	const another = "name a folder that this user may write: --helper-dir DIR, with DIR on the PATH of the steps that follow"
	var place *placeError
	var settings *credhelper.Error
	switch {
	case errors.As(err, &place) && errors.Is(err, credhelper.ErrOccupied):
		return []string{"take it away if nobody needs it: rm " + operand(filepath.Join(place.folder, credhelper.Program)), another}
	case errors.As(err, &place):
		return []string{another}
	case errors.As(err, &settings):
		return settingsHints(settings)
	}
	return nil
}

// settingsHints is for settings that cannot be read, or not be written, where they
// have the troubles of an auth file.
func settingsHints(settings *credhelper.Error) []string {
	var refused *ownfile.Error
	var waited *ownfile.Locked
	var number syscall.Errno
	switch {
	case errors.As(settings, &waited):
		return []string{"another quay-keyless is writing the file: try again, or raise --timeout"}
	case errors.As(settings, &refused), errors.As(settings, &number): // the system will refuse the next login too
		return []string{elsewhere}
	}
	return []string{"take the file away and log in again: rm " + operand(settings.Path)}
}

// explainHelper is [explain] for a helper's own errors.
func explainHelper(err error) host.Message {
	message := explain(err)
	switch {
	case errors.Is(err, errStore):
		message.Hints = []string{
			"nothing is to be done: podman, buildah, skopeo and docker ask quay-keyless by themselves",
			"for a password of your own in its place: quay-keyless logout, then podman login",
		}
	case errors.Is(err, errHelperUsage):
		message.Hints = []string{"tools call this program by themselves; people use quay-keyless"}
	}
	return message
}
