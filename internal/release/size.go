// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// limit is how many bytes a runner may have to download for the action.
const limit = 20_000_000

// size makes the release commit of HEAD in a clone and prints how large its
// tar.gz is, which is what a runner downloads.
func size(ctx context.Context, stdout io.Writer) error {
	temporary, err := os.MkdirTemp("", "quay-keyless-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary) //nolint:errcheck // a temporary folder
	clone := filepath.Join(temporary, "clone")
	if output, err := exec.CommandContext(ctx, "git", "clone", "--quiet", "--shared", ".", clone).CombinedOutput(); err != nil {
		return fmt.Errorf("git clone: %w\n%s", err, output)
	}
	source, err := open(ctx, clone, "v0.0.0")
	if err != nil {
		return err
	}
	folder := filepath.Join(temporary, "dist")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	for _, target := range targets {
		if !target.action {
			continue
		}
		if _, err := source.compile(ctx, target, folder); err != nil {
			return err
		}
	}
	if err := writeChecksums(folder); err != nil {
		return err
	}
	id, err := source.commit(ctx, folder, nil)
	if err != nil {
		return err
	}
	bytes, err := source.tarball(ctx, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%-26s %8.2f MB (at most %d)\n", "release commit, tar.gz", float64(bytes)/1e6, limit/1_000_000)
	return err
}

// tarball is the size of a commit's files in a tar.gz, as GitHub makes it.
func (s *source) tarball(ctx context.Context, id string) (int, error) {
	archive, err := s.run(ctx, nil, nil, "git", "archive", "--format=tar.gz", id)
	return len(archive), err
}
