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

// inHome is a path in the user's folder as podman and docker find it, "" if there is none.
// The system's list of users does not count: in a container it is often wrong.
func (p Place) inHome(names ...string) string {
	home := p.Getenv("HOME")
	if profile := p.Getenv("USERPROFILE"); profile != "" && p.OS == "windows" {
		home = profile
	}
	return below(home, names...)
}

// below is a path in a folder, "" without the folder.
func below(folder string, names ...string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, filepath.Join(names...))
}

func (p Place) system(path string) string { return filepath.Join(cmp.Or(p.Root, "/"), path) }

// dockerFile is docker's auth file. The error is [ErrNoHome].
func (p Place) dockerFile() (string, error) {
	if path := cmp.Or(below(p.Getenv("DOCKER_CONFIG"), "config.json"), p.inHome(".docker", "config.json")); path != "" {
		return path, nil
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
func (p Place) userFile() string {
	return cmp.Or(below(p.Getenv("XDG_CONFIG_HOME"), "containers", "auth.json"), p.inHome(".config", "containers", "auth.json"))
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

// Open opens the files at these paths, each once. It leaves out those that cannot be opened.
func (p Place) Open(paths ...string) []*authfile.File {
	var files []*authfile.File
	for _, path := range paths {
		file, err := authfile.Open(path, p.Trust)
		if err == nil && !slices.ContainsFunc(files, func(other *authfile.File) bool { return other.Path() == file.Path() }) {
			files = append(files, file)
		}
	}
	return files
}

// Named are the auth files that variables name.
func (p Place) Named() []*authfile.File {
	return p.Open(below(p.Getenv("DOCKER_CONFIG"), "config.json"), p.Getenv("REGISTRY_AUTH_FILE"))
}

// Read are the auth files that some tool reads, in the order in which tools prefer
// them. jib reads the one in the home also if DOCKER_CONFIG is set.
func (p Place) Read() []*authfile.File {
	runtimeFile := p.runtimeFile()
	if !runtimeFile.read {
		runtimeFile.path = ""
	}
	return p.Open(below(p.Getenv("DOCKER_CONFIG"), "config.json"), p.Getenv("REGISTRY_AUTH_FILE"), runtimeFile.path,
		p.userFile(), p.inHome(".config", "containers", "auth.json"), p.inHome(".docker", "config.json"))
}

// Written are the auth files that a login here could have written. The error is [ErrNoHome]
// if no variable names a file either.
func (p Place) Written() ([]*authfile.File, error) {
	docker, err := p.dockerFile()
	named := p.Getenv("REGISTRY_AUTH_FILE")
	if err != nil && named == "" {
		return nil, err
	} else if err != nil {
		return p.Open(named), nil
	}
	runtimeFile := p.runtimeFile()
	if _, err := os.Stat(runtimeFile.path); !runtimeFile.read && err != nil {
		runtimeFile.path = ""
	}
	return p.Open(docker, named, p.userFile(), runtimeFile.path), nil
}
