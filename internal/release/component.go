// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
)

// component makes the commit that a project of a GitLab server has, and gives its
// id: the folder gitlab is its root, where GitLab looks for components, with our
// license and the names that are known now. It has no parent. Everything in it
// follows from HEAD, the version and the names, so its id does too.
func (s *source) component(ctx context.Context, names replacements) (string, error) {
	t, err := s.tree(ctx, s.head+":gitlab")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(t.folder) //nolint:errcheck // a temporary folder
	license, err := s.run(ctx, nil, nil, "git", "cat-file", "blob", s.head+":LICENSE")
	if err != nil {
		return "", err
	}
	if err := t.put(ctx, "100644", "LICENSE", license); err != nil {
		return "", err
	}
	return t.commit(ctx, names, fmt.Sprintf("Release %s\n\nThe folder gitlab of commit %s.\n"+
		"Its internal/release makes this commit again, with the same id.\n", s.version, s.head))
}
