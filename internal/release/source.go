// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// source is the commit that a release is made from.
type source struct {
	folder  string    // of the checkout
	version string    // vX.Y.Z or vX.Y.Z-PRERELEASE
	head    string    // its id
	time    time.Time // the commit's, which all that is made carries
}

// released is the form of a version: semantic versioning without build metadata.
var released = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?$`)

// open looks at the checkout's HEAD.
func open(ctx context.Context, folder, version string) (*source, error) {
	if !released.MatchString(version) {
		return nil, fmt.Errorf("%q is no version: use vX.Y.Z or vX.Y.Z-rc.1", version)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	s := &source{folder: folder, version: version}
	line, err := s.git(ctx, nil, "log", "-1", "--no-show-signature", "--format=%H %ct", "HEAD")
	if err != nil {
		return nil, err
	}
	id, stamp, _ := strings.Cut(line, " ")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("git log: %w", err)
	}
	s.head, s.time = id, time.Unix(seconds, 0).UTC()
	return s, nil
}

// clean is an error where the checkout has more or other files than HEAD.
func (s *source) clean(ctx context.Context) error {
	status, err := s.git(ctx, nil, "status", "--porcelain")
	if err == nil && status != "" {
		err = fmt.Errorf("the checkout is not what was committed:\n%s", status)
	}
	return err
}

// git runs git in the checkout, with more variables, and gives its output
// without the last line's end.
func (s *source) git(ctx context.Context, env []string, arguments ...string) (string, error) {
	output, err := s.run(ctx, env, nil, append([]string{"git"}, arguments...)...)
	return strings.TrimRight(string(output), "\n"), err
}

// run runs a command in the checkout and gives its output.
func (s *source) run(ctx context.Context, env []string, stdin []byte, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Dir, command.Env = s.folder, append(os.Environ(), env...)
	command.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(arguments, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return output, nil
}
