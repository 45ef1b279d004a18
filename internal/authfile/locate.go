// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"quay-keyless/internal/ownfile"
)

var (
	// ErrNoPlace is the error of a job in which no login can be written in
	// place: there is no home, or it is read-only. The way out is a place that
	// the user names, for a folder of its own or for one file. Where a file or
	// folder was in the way, the error is an [*Error] as well.
	ErrNoPlace = errors.New("no place for the login")
	// ErrNoHome is an [ErrNoPlace] of an environment that names no home.
	ErrNoHome = fmt.Errorf("%w: HOME and DOCKER_CONFIG are not set", ErrNoPlace)
)

// Place is what decides where the tools look for a login: the variables, the
// user and the system of this job.
type Place struct {
	Getenv func(string) string
	UID    int    // as os.Getuid tells it
	OS     string // as runtime.GOOS
	// Trust is in whose files beside the auth files the program believes.
	Trust ownfile.Trust

	// Run stands for /run, and Owner tells whom a folder belongs to. Unset,
	// they are the system's own; tests set them.
	Run   string
	Owner func(fs.FileInfo) (uid int)
}

// home is the user's folder as podman and docker find it, "" where nothing
// tells. What the system's list of users says is not asked: in a container it
// is often wrong.
func (p Place) home() string {
	if profile := p.Getenv("USERPROFILE"); profile != "" && p.OS == "windows" {
		return profile
	}
	return p.Getenv("HOME")
}

// dockerFolder is where docker has its config.json. The error is [ErrNoHome].
func (p Place) dockerFolder() (string, error) {
	if folder := p.Getenv("DOCKER_CONFIG"); folder != "" {
		return folder, nil
	}
	home := p.home()
	if home == "" {
		return "", ErrNoHome
	}
	return filepath.Join(home, ".docker"), nil
}

// runtimeFile is the first auth file on containers/image's list, "" if there is none.
// Users other than root need an XDG_RUNTIME_DIR of their own for it: without one podman,
// buildah and skopeo each look elsewhere, with another user's they stop, and with a
// missing one they cannot write.
func (p Place) runtimeFile() (path string, usable bool) {
	folder := p.Getenv("XDG_RUNTIME_DIR")
	switch {
	case p.OS == "darwin" || p.OS == "windows":
		return p.homeFile(), true
	case folder == "":
		run := cmp.Or(p.Run, "/run")
		return filepath.Join(run, "containers", strconv.Itoa(p.UID), "auth.json"), p.UID == 0
	case p.UID == 0 || p.owns(folder):
		return filepath.Join(folder, "containers", "auth.json"), true
	}
	return "", false
}

// userFile is the second auth file on that list.
func (p Place) userFile() string {
	if folder := p.Getenv("XDG_CONFIG_HOME"); folder != "" {
		return filepath.Join(folder, "containers", "auth.json")
	}
	return p.homeFile()
}

// homeFile is the auth file in the home folder, "" where there is no home.
func (p Place) homeFile() string {
	home := p.home()
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".config", "containers", "auth.json")
}

// Paths are the auth files that some tool reads, in the order in which tools prefer
// them. jib reads the one in the home also if DOCKER_CONFIG is set.
func (p Place) Paths() []string {
	paths := []string{p.Getenv("REGISTRY_AUTH_FILE")}
	if folder := p.Getenv("DOCKER_CONFIG"); folder != "" {
		paths = []string{filepath.Join(folder, "config.json"), paths[0]}
	}
	if path, usable := p.runtimeFile(); usable {
		paths = append(paths, path)
	}
	paths = append(paths, p.userFile(), p.homeFile())
	if home := p.home(); home != "" {
		paths = append(paths, filepath.Join(home, ".docker", "config.json"))
	}
	return slices.DeleteFunc(paths, func(path string) bool { return path == "" })
}

// owns reports whether a folder is there and this user's.
func (p Place) owns(folder string) bool {
	info, err := os.Stat(folder)
	if err != nil || !info.IsDir() {
		return false
	}
	if p.Owner != nil {
		return p.Owner(info) == p.UID
	}
	owner, _, known := p.Trust.Owner(info)
	return !known || owner == p.UID
}
