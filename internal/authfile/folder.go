// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"os"
	"path/filepath"
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
