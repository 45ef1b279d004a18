// SPDX-License-Identifier: Apache-2.0

package errno_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"quay-keyless/internal/errno"
)

func TestOf(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	_, opening := os.Open(missing)
	const said = "no such file or directory"
	for _, err := range []error{opening, os.Rename(missing, missing), errors.Join(nil, opening)} {
		if got := errno.WithoutPath(err); got.Error() != said || !errors.Is(got, fs.ErrNotExist) {
			t.Errorf("%v became %v", err, got)
		}
	}
	other := errors.New("other")
	if errno.WithoutPath(other) != other || errno.WithoutPath(nil) != nil {
		t.Error("an error that is not the system's changes")
	}
}
