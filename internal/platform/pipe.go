// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"errors"
	"os"
	"time"
)

var errUnread = errors.New("it is a pipe that no process reads")

// writeResult writes a file for the platform. If that is a pipe, it waits for a reader
// until ctx ends.
func writeResult(ctx context.Context, path, text string) error {
	turns := time.NewTicker(20 * time.Millisecond)
	defer turns.Stop()
	for {
		pipe, err := openPipe(path)
		switch {
		case err == nil && pipe == nil:
			return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // a result is public
		case err == nil:
			_, err = pipe.WriteString(text)
			return errors.Join(err, pipe.Close())
		case !errors.Is(err, errUnread):
			return err
		}
		select {
		case <-turns.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
