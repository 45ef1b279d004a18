// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
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

// tokenOutput is standard output or a file.
type tokenOutput struct {
	stdout io.Writer
	path   string
	file   *wholefile.File // nil for standard output
}

// newTokenOutput opens the output before Quay issues a token, so that one that cannot
// be written costs nothing.
func newTokenOutput(run *process.Run, path string) (*tokenOutput, error) {
	switch {
	case path == "" && run.Env.StdoutClosed:
		return nil, errStdoutClosed
	case path == "":
		return &tokenOutput{stdout: run.Env.Stdout}, nil
	case isStream(path):
		return nil, &request.UsageError{Err: fmt.Errorf("--output-file %s is not a file: leave out --output-file to print the robot token", path)}
	}
	err := checkOutputFile(path)
	var file *wholefile.File
	if err == nil {
		file, err = wholefile.Create(path, "."+filepath.Base(path)+".quay-keyless.")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, errno.WithoutPath(err))
	}
	if whole, err := filepath.Abs(path); err == nil {
		if folder, err := filepath.EvalSymlinks(filepath.Dir(whole)); err == nil {
			login.WarnInCheckout(run, filepath.Join(folder, filepath.Base(whole)), "--output-file PATH")
		}
	}
	return &tokenOutput{path: path, file: file}, nil
}

// checkOutputFile accepts a regular file, or nothing. Another user may have made a
// link, pipe or device to get the token, or to choose the mode of its file.
func checkOutputFile(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	case info.Mode()&fs.ModeSymlink != 0:
		return errors.New("it is a symbolic link: name the file itself")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	}
	return nil
}

// isStream reports a path of an open stream of the process.
func isStream(path string) bool {
	path = filepath.ToSlash(filepath.Clean(path))
	return slices.Contains([]string{"-", "/dev/stdout", "/dev/stderr", "/dev/tty"}, path) ||
		strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

// write prints the token, or puts it into a new file of mode 0600 that replaces the
// one at the path.
func (o *tokenOutput) write(text []byte) error {
	if o.file == nil {
		if _, err := o.stdout.Write(text); err != nil {
			return fmt.Errorf("printing the robot token: %w", errno.WithoutPath(err))
		}
		return nil
	}
	if err := o.file.Commit(text, 0o600); err != nil {
		return fmt.Errorf("cannot write %s: %w", o.path, errno.WithoutPath(err))
	}
	return nil
}

// discard removes the new file, unless it was written.
func (o *tokenOutput) discard() {
	if o.file != nil {
		o.file.Discard()
	}
}
