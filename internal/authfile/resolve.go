// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is Linux's own limit (path_resolution(7)).
const maxLinks = 40

// Resolve is the absolute path without links. Nothing need be there. The error is an
// [*Error] with the reason [SymlinkLoop] or [BadPath].
func Resolve(path string) (string, error) {
	if path == "" {
		return "", located(path, because(BadPath, errors.New("the path is empty")))
	}
	resolved, err := resolve(path)
	return resolved, located(path, err)
}

// resolve follows every symlink of path, as the kernel would on opening it with
// O_CREAT. Unlike [filepath.EvalSymlinks] it needs nothing to be there: a
// dangling link gives its target.
func resolve(path string) (string, error) {
	if !filepath.IsAbs(path) {
		here, err := filepath.Abs(".")
		if err != nil {
			return "", because(BadPath, err)
		}
		// Not Join, nor Abs(path): they would take "link/.." away.
		path = here + string(filepath.Separator) + path
	}
	resolved, rest := split(path)
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			resolved = filepath.Dir(resolved)
			continue
		}
		next := filepath.Join(resolved, name)
		target, err := os.Readlink(next)
		if err != nil { // not a link, or not there; what else it may be shows on use
			resolved = next
			continue
		}
		if links++; links > maxLinks {
			return "", because(SymlinkLoop, nil)
		}
		if filepath.IsAbs(target) {
			var names []string
			resolved, names = split(target)
			rest = append(names, rest...)
			continue
		}
		rest = append(names(target), rest...)
	}
	return resolved, nil
}

// split returns the root of an absolute path and the names below it.
func split(path string) (root string, below []string) {
	volume := filepath.VolumeName(path)
	return volume + string(filepath.Separator), names(path[len(volume):])
}

func names(path string) []string {
	return strings.Split(filepath.ToSlash(path), "/")
}
