// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Folder is what isolated logins made around their two files, until the last of them ends.
type Folder struct {
	Path string `json:"path"`
	// Links are what else docker has in its folder, by name.
	Links map[string]string `json:"links,omitempty"`
	// Before is what the variables were; nil if one was not set.
	Before map[string]*string `json:"before,omitempty"`
}

// PrivatePrefix begins the names of the folders that we choose for isolated logins.
const PrivatePrefix = "quay-keyless-"

// around is the folder of an isolated login. Variables that name it already, as on GitLab,
// stay, unless we chose it.
func (p Place) around(path string, exports []Variable, in Inherit) *Folder {
	f := &Folder{Path: path, Before: map[string]*string{}}
	before := p.outside(path)
	for _, v := range exports {
		was := p.Getenv(v.Name)
		switch named := was != before.Getenv(v.Name); {
		case v.Value == "": // DOCKER_AUTH_CONFIG holds logins, which nothing prints
		case named && !strings.HasPrefix(filepath.Base(path), PrivatePrefix):
		case named, was == "":
			f.Before[v.Name] = nil
		default:
			f.Before[v.Name] = &was
		}
	}
	if source := before.dockerSource(in); in.On && source != "" {
		f.Links = linkable(source)
	}
	return f
}

// linkable are the names in docker's folder that are neither auth files nor ours, with
// their targets.
func linkable(folder string) map[string]string {
	links := map[string]string{}
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		name := entry.Name()
		auth := slices.ContainsFunc([]string{"config.json", "auth.json", ".config.json.", ".auth.json.", ".tmp-", "quay-keyless", ".quay-keyless"},
			func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if target, err := filepath.EvalSymlinks(filepath.Join(folder, name)); err == nil && !auth {
			if target, err = filepath.Abs(target); err == nil {
				links[name] = target
			}
		}
	}
	return links
}

// Link makes the links; what is there stays. The error is the last one.
func (f *Folder) Link() (err error) {
	for name, target := range f.Links {
		path := filepath.Join(f.Path, name)
		if _, missing := os.Lstat(path); missing != nil {
			if fault := os.Symlink(target, path); fault != nil {
				err = fault
			}
		}
	}
	return err
}

// Remove removes the links, the files if they hold nothing, and the folder if it is empty
// then.
func (f *Folder) Remove() {
	for name, target := range f.Links {
		path := filepath.Join(f.Path, name)
		if now, err := os.Readlink(path); err == nil && now == target {
			_ = os.Remove(path)
		}
	}
	_ = os.Remove(f.Path)
}

// Isolated is the folder of the isolated login that a file belongs to, nil for none.
func (f *File) Isolated() *Folder {
	_, r, _, err := f.load()
	if err != nil {
		return nil
	}
	return r.Folder
}
