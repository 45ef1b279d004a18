// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Resolve is the absolute path without links. Nothing need be there. The error is an
// [*Error] with the reason [SymlinkLoop] or [BadPath].
func Resolve(path string) (string, error) {
	if path == "" {
		return "", located(path, because(BadPath, errors.New("the path is empty")))
	}
	here, err := filepath.Abs(".")
	if err != nil && !filepath.IsAbs(path) {
		return "", located(path, because(BadPath, err))
	}
	resolved, err := resolve(here, path, 0)
	return resolved, located(path, err)
}

// maxLinks is Linux's own limit (path_resolution(7)).
const maxLinks = 40

// resolve follows every symlink of path, as the kernel would on opening it with O_CREAT.
// Unlike [filepath.EvalSymlinks] it needs nothing to be there: a dangling link gives its
// target.
func resolve(folder, path string, links int) (string, error) {
	if !filepath.IsAbs(path) {
		path = folder + string(filepath.Separator) + path // Join would take "link/.." away
	}
	if there, err := filepath.EvalSymlinks(path); err == nil {
		return there, nil
	}
	above, name := filepath.Split(strings.TrimRightFunc(path, func(r rune) bool { return r == '/' || r == filepath.Separator }))
	if name == "" {
		return filepath.Clean(path), nil
	}
	above, err := resolve(folder, above, links)
	if err != nil {
		return "", err
	}
	next := filepath.Join(above, name) // without links, ".." is what it says
	target, err := os.Readlink(next)
	switch {
	case err != nil: // not a link, or not there; what else it may be shows on use
		return next, nil
	case links == maxLinks:
		return "", because(SymlinkLoop, nil)
	}
	return resolve(above, target, links+1)
}
