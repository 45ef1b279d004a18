// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"io"
	"os"
)

// keepOwner does nothing: Windows has no umask.
func keepOwner() {}

// stdoutClosed cannot be known on Windows.
func stdoutClosed() bool { return false }

// openNamed opens a file that the user named.
func openNamed(_ context.Context, path string) (io.ReadCloser, error) { return os.Open(path) }

// input is standard input, until ctx ends.
func input(ctx context.Context, stdin io.Reader) io.Reader { return waiting{ctx, stdin} }
