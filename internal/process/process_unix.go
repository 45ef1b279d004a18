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

// keepOwner removes the owner's rights from the umask: with umask 777 a login could not
// read its own files. Reading the umask means setting it, so the one set for that moment
// is safe too.
func keepOwner() {
	const private, owner = 0o077, 0o700
	syscall.Umask(syscall.Umask(private) &^ owner)
}

// stdoutClosed reports whether standard output was closed when the program began. Go's
// runtime then opens /dev/null for reading and writing (runtime, checkfds), which a
// shell's >/dev/null does not. Python's subprocess.DEVNULL does, and looks the same.
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

// named is a file that the user named. Only [named.Read] waits for it, until ctx ends.
type named struct {
	ctx  context.Context //nolint:containedctx // it is one read's
	path string
	fd   int
}

// openNamed also opens a pipe that has no writer yet.
func openNamed(ctx context.Context, path string) (io.ReadCloser, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &named{ctx, path, fd}, nil
}

// input is standard input, until ctx ends.
func input(ctx context.Context, stdin io.Reader) io.Reader {
	if file, ok := stdin.(*os.File); ok {
		return &named{ctx, "standard input", int(file.Fd())}
	}
	return waiting{ctx, stdin}
}

// turn is how often a wait for a pipe looks at its context.
const turn = 50 // ms

// Read polls, because read(2) on a pipe that no writer has opened yet reports its end at
// once.
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
