// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// bin is where the action looks for its programs.
const bin = "action/bin/"

// actions are the programs for which GitHub publishes a runner. The commit's size
// limits them; QUAY_KEYLESS_BINARY names the program on other machines.
var actions = []string{"quay-keyless-darwin-arm64", "quay-keyless-linux-amd64", "quay-keyless-linux-arm64", "quay-keyless-windows-amd64.exe"}

// author is who the release commit is said to be by: GitHub's own name for what
// a workflow does. It is part of the commit's id, so it is the same everywhere.
const author = "github-actions[bot]"

// authorMail is that account's address.
const authorMail = "41898282+github-actions[bot]@users.noreply.github.com"

// commit makes the release commit in the object store and gives its id. HEAD is
// its parent; it has HEAD's files, the action's programs and their checksums
// from the folder, and the names that are known now, but no workflows. Everything
// in it follows from HEAD, the programs and the names, so its id does too. The
// checkout, its index and its branches stay as they are.
func (s *source) commit(ctx context.Context, folder string, names replacements) (string, error) {
	t, err := s.tree(ctx, s.head)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(t.folder) //nolint:errcheck // a temporary folder
	// A workflow's token may not push a commit whose workflows are not those of
	// a branch's tip, and main may have gone on.
	if _, err := s.git(ctx, t.index, "rm", "-r", "--cached", "--quiet", "--ignore-unmatch", ":(top).github/workflows"); err != nil {
		return "", err
	}
	if err := t.addPrograms(ctx, folder); err != nil {
		return "", err
	}
	return t.commit(ctx, names, fmt.Sprintf("Release %s\n\nThe parent commit with the programs that the action runs. The parent's\n"+
		"internal/release makes this commit again, with the same id.\n", s.version), "-p", s.head)
}

// tree is that of a commit, while it is made.
type tree struct {
	*source
	folder string   // for git's index, a temporary one
	index  []string // git's variable for it
}

// tree begins with the files that git knows by this name: a commit's, or those
// of a folder in it.
func (s *source) tree(ctx context.Context, name string) (*tree, error) {
	folder, err := os.MkdirTemp("", "quay-keyless-release-")
	if err != nil {
		return nil, err
	}
	t := &tree{source: s, folder: folder, index: []string{"GIT_INDEX_FILE=" + filepath.Join(folder, "index")}}
	if _, err := s.git(ctx, t.index, "read-tree", name); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return t, nil
}

// commit writes the names that are known now into the tree, makes a commit of it,
// and gives its id. More arguments are those of git commit-tree.
func (t *tree) commit(ctx context.Context, names replacements, message string, more ...string) (string, error) {
	for _, name := range names {
		if err := t.replace(ctx, name.from, name.to); err != nil {
			return "", err
		}
	}
	id, err := t.git(ctx, t.index, "write-tree")
	if err != nil {
		return "", err
	}
	date := fmt.Sprintf("%d +0000", t.time.Unix())
	identity := []string{
		"GIT_AUTHOR_NAME=" + author, "GIT_AUTHOR_EMAIL=" + authorMail, "GIT_AUTHOR_DATE=" + date,
		"GIT_COMMITTER_NAME=" + author, "GIT_COMMITTER_EMAIL=" + authorMail, "GIT_COMMITTER_DATE=" + date,
	}
	return t.git(ctx, identity, append([]string{"-c", "i18n.commitEncoding=UTF-8", "commit-tree", id, "-m", message}, more...)...)
}

// addPrograms adds the action's programs, each compared with the release's list
// of checksums, and their part of that list.
func (t *tree) addPrograms(ctx context.Context, folder string) error {
	var lines strings.Builder
	for _, name := range actions {
		content, line, err := listed(folder, name)
		if err != nil {
			return err
		}
		lines.WriteString(line)
		if err := t.put(ctx, "100755", bin+name, content); err != nil {
			return err
		}
	}
	return t.put(ctx, "100644", bin+list, []byte(lines.String()))
}

// put adds a file or takes its place.
func (t *tree) put(ctx context.Context, mode, path string, content []byte) error {
	id, err := t.run(ctx, nil, content, "git", "hash-object", "-w", "--stdin")
	if err != nil {
		return err
	}
	_, err = t.git(ctx, t.index, "update-index", "--add", "--cacheinfo", mode+","+strings.TrimSpace(string(id))+","+path)
	return err
}

// replace writes a name that only a release knows into every text file, so that
// what the release's README and examples say can be copied. A name that is
// nowhere is an error: somebody has changed it there and not here.
func (t *tree) replace(ctx context.Context, from, to string) error {
	found, err := t.git(ctx, t.index, "grep", "--cached", "-l", "-I", "-z", "-F", "-e", from, "--", ":(top)")
	if err != nil {
		return fmt.Errorf("no file has %q: %w", from, err)
	}
	for path := range strings.SplitSeq(strings.Trim(found, "\x00"), "\x00") {
		entry, err := t.git(ctx, t.index, "ls-files", "--stage", "--", ":(top,literal)"+path)
		if err != nil {
			return err
		}
		mode, rest, _ := strings.Cut(entry, " ")
		blob, _, _ := strings.Cut(rest, " ")
		content, err := t.run(ctx, nil, nil, "git", "cat-file", "blob", blob)
		if err != nil {
			return err
		}
		if err := t.put(ctx, mode, path, bytes.ReplaceAll(content, []byte(from), []byte(to))); err != nil {
			return err
		}
	}
	return nil
}
