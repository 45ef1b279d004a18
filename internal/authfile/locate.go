// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"path/filepath"
	"runtime"
)

// ErrNoHome is the error of an environment that tells no place for a login.
var ErrNoHome = errors.New("no place for the login: HOME and DOCKER_CONFIG are not set")

// Locate names the files that a login belongs in. The first is docker's
// config.json, which every container tool reads; REGISTRY_AUTH_FILE follows
// where it is set, since podman, buildah and skopeo then read no other.
func Locate(getenv func(string) string) ([]string, error) {
	folder := getenv("DOCKER_CONFIG")
	if folder == "" {
		home := getenv("HOME")
		if home == "" && runtime.GOOS == "windows" {
			home = getenv("USERPROFILE")
		}
		if home == "" {
			return nil, ErrNoHome
		}
		folder = filepath.Join(home, ".docker")
	}
	paths := []string{filepath.Join(folder, "config.json")}
	if other := getenv("REGISTRY_AUTH_FILE"); other != "" {
		paths = append(paths, other)
	}
	return paths, nil
}
