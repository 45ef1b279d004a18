// SPDX-License-Identifier: Apache-2.0

// Package errno finds what the operating system says in an error.
package errno

import (
	"errors"
	"io/fs"
	"os"
)

// WithoutPath removes the operation and the path that package os adds to the system's
// words ("permission denied"), because messages name the user's path, not a temporary
// one. It returns any other error unchanged.
func WithoutPath(err error) error {
	if inPath, ok := errors.AsType[*fs.PathError](err); ok {
		return inPath.Err
	}
	if inLink, ok := errors.AsType[*os.LinkError](err); ok {
		return inLink.Err
	}
	return err
}
