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
	var inPath *fs.PathError
	var inLink *os.LinkError
	switch {
	case errors.As(err, &inPath):
		return inPath.Err
	case errors.As(err, &inLink):
		return inLink.Err
	}
	return err
}
