// SPDX-License-Identifier: Apache-2.0

// Package errno is what the operating system says in an error.
package errno

import (
	"errors"
	"io/fs"
	"os"
)

// WithoutPath takes off the operation and the path that package os puts around what the
// system said, as in "permission denied": the message names the path that means
// something to the reader, and that of a temporary file means nothing. Any other error
// comes back as it is.
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
