// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"fmt"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"quay-keyless/internal/ascii"
)

// Permission is something a robot may or may not do with a repository.
type Permission struct {
	Repository string // ORG/REPO, without the registry
	Action     string // pull or push
}

// ParsePermission reads ORG/REPO[:pull|push]. The default is push, which a job that
// builds needs.
func ParsePermission(text string) (Permission, error) {
	repository, action, found := strings.Cut(text, ":")
	if !found {
		action = "push"
	}
	if err := ascii.Check(text); err != nil {
		return Permission{}, fmt.Errorf("check %+q: %w", text, err)
	}
	switch {
	case action != "pull" && action != "push":
		return Permission{}, fmt.Errorf("check %q: after the colon comes pull or push, not %q", text, action)
	case !strings.Contains(repository, "/"):
		return Permission{}, fmt.Errorf("check %q: a repository is written ORG/REPO", text)
	}
	if _, err := name.NewRepository("localhost/" + repository); err != nil || path.Clean("/"+repository) != "/"+repository {
		return Permission{}, fmt.Errorf("check %q: %q cannot be a repository's name; write ORG/REPO without the registry", text, repository)
	}
	return Permission{Repository: repository, Action: action}, nil
}
