// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
	"quay-keyless/internal/wholefile"
)

// errStdoutClosed is the error for a robot token that nobody could read.
var errStdoutClosed = &platform.Curable{
	Text:  "standard output is closed, so nobody would get the robot token",
	Cures: []string{"token --output-file PATH writes it to a file, and doctor checks everything without a token"},
}

// tokenOutput is where a robot token goes: write writes it, and discard removes what was
// made for that, unless it was written.
type tokenOutput struct {
	write   func(text []byte) error
	discard func()
}

// newTokenOutput opens the output before Quay issues a token, so that one that cannot
// be written costs nothing. A file gets the mode 0600 and replaces the one at the path.
func newTokenOutput(run *process.Run, path string) (tokenOutput, error) {
	failed := func(what string, err error) error {
		if err != nil {
			err = fmt.Errorf("%s: %w", what, errno.WithoutPath(err))
		}
		return err
	}
	switch {
	case path == "" && run.Env.StdoutClosed:
		return tokenOutput{}, errStdoutClosed
	case path == "":
		return tokenOutput{func(text []byte) error {
			_, err := run.Env.Stdout.Write(text)
			return failed("printing the robot token", err)
		}, func() {}}, nil
	case isStream(path):
		return tokenOutput{}, &request.UsageError{Err: fmt.Errorf("--output-file %s is not a file: leave out --output-file to print the robot token", path)}
	}
	file, err := createOutput(path)
	if err != nil {
		return tokenOutput{}, failed("cannot write "+path, err)
	}
	if whole, err := filepath.Abs(path); err == nil {
		if folder, err := filepath.EvalSymlinks(filepath.Dir(whole)); err == nil {
			login.WarnInCheckout(run, filepath.Join(folder, filepath.Base(whole)), "--output-file PATH")
		}
	}
	return tokenOutput{func(text []byte) error { return failed("cannot write "+path, file.Commit(text, 0o600)) }, file.Discard}, nil
}

// createOutput makes a file that replaces a regular file, or nothing. Another user may have
// made a link, pipe or device to get the token, or to choose the mode of its file.
func createOutput(path string) (*wholefile.File, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
	case info.IsDir():
		return nil, syscall.EISDIR
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, errors.New("it is a symbolic link: name the file itself")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	return wholefile.Create(path, "."+filepath.Base(path)+".quay-keyless.")
}

// isStream reports a path of an open stream of the process.
func isStream(path string) bool {
	path = filepath.ToSlash(filepath.Clean(path))
	return slices.Contains([]string{"-", "/dev/stdout", "/dev/stderr", "/dev/tty"}, path) ||
		strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}
