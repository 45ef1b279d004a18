// SPDX-License-Identifier: Apache-2.0

// Package lookup knows where tools look for a login, and what hides one there.
package lookup

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/platform"
)

// ErrNoHome is the error of an environment that names no home.
var ErrNoHome = noPlace("HOME and DOCKER_CONFIG are not set")

// noPlace is the error of a job in which no login can be written in place.
func noPlace(why string) error {
	return &platform.Curable{Text: "no place for the login: " + why, Reason: "no-place", Steps: []platform.Step{
		{Text: "To write this login to a private folder, add --isolated, and --auth-dir DIR if RUNNER_TEMP and TMPDIR are read-only too."},
		{Text: "To write it to one file, add --authfile PATH."},
	}}
}

// Place is what decides where the tools look for a login: the variables, the user and the
// system of this job.
type Place struct {
	Getenv func(string) string
	UID    int    // as os.Getuid returns it
	OS     string // as runtime.GOOS
	Trust  ownfile.Trust
	// List returns the registries in a credential store; nil if none can be asked.
	List func(store string) ([]string, error)

	// Root is the root folder, and Owner returns a folder's user. Tests set them.
	Root  string
	Owner func(fs.FileInfo) (uid int)
}

// home is the user's folder as podman and docker find it. The system's list of users does
// not count: in a container it is often wrong.
func (p Place) home() string {
	if profile := p.Getenv("USERPROFILE"); profile != "" && p.OS == "windows" {
		return profile
	}
	return p.Getenv("HOME")
}

// inHome is a path in the home, "" if there is no home.
func (p Place) inHome(names ...string) string {
	if p.home() == "" {
		return ""
	}
	return filepath.Join(append([]string{p.home()}, names...)...)
}

// config is a path in the folder of a variable, or else in ~/.config.
func (p Place) config(variable string, names ...string) string {
	if folder := p.Getenv(variable); folder != "" {
		return filepath.Join(append([]string{folder}, names...)...)
	}
	return p.inHome(append([]string{".config"}, names...)...)
}

func (p Place) system(path string) string { return filepath.Join(cmp.Or(p.Root, "/"), path) }

// DockerFolder is docker's folder. The error is [ErrNoHome].
func (p Place) DockerFolder() (string, error) {
	if folder := cmp.Or(p.Getenv("DOCKER_CONFIG"), p.inHome(".docker")); folder != "" {
		return folder, nil
	}
	return "", ErrNoHome
}

// containersFile is an auth file on the list of containers/image.
type containersFile struct {
	path string
	read bool // by podman, buildah and skopeo; without an XDG_RUNTIME_DIR each of them looks elsewhere
	ours bool // it is there, or can be created in a folder of this user
}

// runtimeFile is where podman login writes. It is created only in an XDG_RUNTIME_DIR of
// this user: another user's tools stop at a file or folder of ours in theirs, and at a
// private /run/containers.
func (p Place) runtimeFile() containersFile {
	if p.OS == "darwin" || p.OS == "windows" {
		path := p.inHome(".config", "containers", "auth.json")
		return containersFile{path, true, path != ""}
	}
	folder := p.Getenv("XDG_RUNTIME_DIR")
	file := containersFile{path: filepath.Join(folder, "containers", "auth.json"), ours: p.owns(folder)}
	file.read = p.UID == 0 || file.ours
	if folder == "" {
		file = containersFile{path: p.system(filepath.Join("/run/containers", strconv.Itoa(p.UID), "auth.json")), read: p.UID == 0}
	}
	if _, err := os.Stat(file.path); err == nil {
		file.ours = file.read
	}
	return file
}

// userFile is the second auth file on the list of containers/image.
func (p Place) userFile() string { return p.config("XDG_CONFIG_HOME", "containers", "auth.json") }

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

// Paths are the auth files that some tool reads, in the order in which tools prefer
// them. jib reads the one in the home also if DOCKER_CONFIG is set.
func (p Place) Paths() []string {
	paths := []string{p.Getenv("REGISTRY_AUTH_FILE")}
	if folder := p.Getenv("DOCKER_CONFIG"); folder != "" {
		paths = []string{filepath.Join(folder, "config.json"), paths[0]}
	}
	if file := p.runtimeFile(); file.read {
		paths = append(paths, file.path)
	}
	paths = append(paths, p.userFile(), p.inHome(".config", "containers", "auth.json"), p.inHome(".docker", "config.json"))
	return slices.DeleteFunc(paths, func(path string) bool { return path == "" })
}

// Known is every auth file in which some tool of this environment looks, each once: where
// a logout finds what logins wrote. The error is [ErrNoHome] if no variable names a
// file either.
func (p Place) Known() ([]*authfile.File, error) {
	folder, err := p.DockerFolder()
	named := p.Getenv("REGISTRY_AUTH_FILE")
	if err != nil && named == "" {
		return nil, err
	}
	paths := []string{named}
	if err == nil {
		paths = []string{filepath.Join(folder, "config.json"), named, p.userFile()}
		file := p.runtimeFile()
		if _, err := os.Stat(file.path); file.read || err == nil {
			paths = append(paths, file.path)
		}
	}
	var files []*authfile.File
	for _, path := range paths {
		file, err := authfile.Open(path, p.Trust)
		if err != nil || slices.ContainsFunc(files, func(other *authfile.File) bool { return other.Path() == file.Path() }) {
			continue
		}
		files = append(files, file)
	}
	return files, nil
}
