// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"os"
	"path/filepath"
	"strings"
)

// file is what a volume of files has at a path. User is -1 for root.
type file struct {
	text []byte
	mode os.FileMode
	user int
}

type files = map[string]file

// wrote is write, unless there is an error already.
func (p *pod) wrote(folder string, files files, err error) error {
	if err != nil {
		return err
	}
	return p.write(folder, files)
}

// write puts files into a volume as a kubelet does: they lie in a folder of their
// own, ..data links to it, and they are seen through that link. So a reader has
// the old files or the new ones.
func (p *pod) write(folder string, files files) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(folder, "..fresh.")
	if err != nil {
		return err
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return err
	}
	for path, content := range files {
		if err := p.writeFile(filepath.Join(fresh, path), content); err != nil {
			return err
		}
	}
	link := filepath.Join(folder, "..data_new")
	if err := os.Symlink(filepath.Base(fresh), link); err != nil {
		return err
	}
	if err := os.Rename(link, filepath.Join(folder, "..data")); err != nil {
		return err
	}
	for path := range files {
		top, _, _ := strings.Cut(path, "/")
		if err := os.Symlink(filepath.Join("..data", top), filepath.Join(folder, top)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

func (p *pod) writeFile(path string, content file) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, content.text, 0o600); err != nil {
		return err
	}
	if err := os.Chown(path, content.user, p.group()); err != nil {
		return err
	}
	return os.Chmod(path, content.mode)
}
