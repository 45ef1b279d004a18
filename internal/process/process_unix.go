// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// keepOwner takes the owner's rights out of the process's umask: a login's files
// have the modes that are asked for, and under umask 777 nobody could read them. What
// the umask takes from others is the user's to choose. It can be read only by setting
// another, under which a file that is made meanwhile, in a test, has its owner too.
func keepOwner() {
	const private, owner = 0o077, 0o700
	syscall.Umask(syscall.Umask(private) &^ owner)
}

// stdoutClosed reports a standard output that was closed when the program began. Go's
// runtime opens /dev/null in its place, for reading and writing (runtime, checkfds),
// which a shell's >/dev/null does not. Python's subprocess.DEVNULL does, and cannot be
// told from it.
func stdoutClosed() bool {
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	info, err := os.Stdout.Stat()
	if err != nil || !os.SameFile(null, info) {
		return false
	}
	flags, err := unix.FcntlInt(uintptr(syscall.Stdout), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}

// named is a file that the user named, opened so that nothing waits for it but
// [named.Read], and that as long as its context lasts.
type named struct {
	ctx  context.Context //nolint:containedctx // it is one read's
	path string
	fd   int
}

// openNamed opens a file that may be a pipe without another end.
func openNamed(ctx context.Context, path string) (io.ReadCloser, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &named{ctx, path, fd}, nil
}

// turn is how often a wait for a pipe asks whether its time is over.
const turn = 50 // ms

// Read waits for the pipe's text, or for its end: for a pipe that no writer has
// opened yet, read(2) would tell the end at once.
func (n *named) Read(text []byte) (int, error) {
	for {
		if n.ctx.Err() != nil {
			return 0, context.Cause(n.ctx)
		}
		ready := []unix.PollFd{{Fd: int32(n.fd), Events: unix.POLLIN}} //nolint:gosec // a descriptor
		if count, err := unix.Poll(ready, turn); count == 0 || errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return 0, &fs.PathError{Op: "poll", Path: n.path, Err: err}
		}
		switch count, err := unix.Read(n.fd, text); {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, &fs.PathError{Op: "read", Path: n.path, Err: err}
		case count == 0:
			return 0, io.EOF
		default:
			return count, nil
		}
	}
}

// Close closes the file.
func (n *named) Close() error { return unix.Close(n.fd) }
