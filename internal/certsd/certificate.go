// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

// maxFile is far above any bundle of CA certificates.
const maxFile = 1 << 20

// The names of our files in a host's folder. The tools read only the certificates.
const (
	prefix = "quay-keyless-"       // of a certificate, before the hash of its auth file's path
	holder = "." + prefix          // of a link to that auth file
	list   = ".quay-keyless"       // of a list of the folders that we made
	begun  = ".quay-keyless-file." // of an unfinished file, before a number
	suffix = ".crt"
)

// certificate is the CA for the login in one auth file, in one host's folder.
type certificate struct {
	folder, authFile string
	trust            ownfile.Trust
}

func (c certificate) hash() string {
	sum := sha256.Sum256([]byte(c.authFile))
	return hex.EncodeToString(sum[:8])
}

func (c certificate) path() string { return filepath.Join(c.folder, prefix+c.hash()+suffix) }

func (c certificate) link() string { return filepath.Join(c.folder, holder+c.hash()) }

// there reports whether the certificate is there, or its link, or nobody can tell.
func (c certificate) there() bool {
	return slices.ContainsFunc([]string{c.path(), c.link()}, func(path string) bool {
		_, err := os.Lstat(path)
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// check finds a folder or a file that must not be used.
func (c certificate) check() error {
	for _, dir := range []string{filepath.Dir(c.folder), c.folder} { // dotfile managers may link certs.d
		info, err := os.Lstat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case dir == c.folder && info.Mode()&fs.ModeSymlink != 0: // it may be another host's folder too
			return &ownfile.Error{Path: dir, Reason: ownfile.Link}
		case dir == c.folder && !info.IsDir():
			return &ownfile.Error{Path: dir, Reason: ownfile.NoFolder}
		}
		if err := c.trust.Closed(dir); err != nil {
			return err
		}
	}
	return c.trust.Check(c.path())
}

// install writes the certificate, and gives what takes that back.
func (c certificate) install(pem []byte) (undo func(), err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	before, err := c.trust.Read(c.path(), maxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	undo = func() {
		if before != nil {
			_ = c.write(before)
			return
		}
		_, made, _ := c.remove()
		removeEmpty(made)
	}
	err = c.write(pem)
	for tries := 0; errors.Is(err, fs.ErrNotExist) && tries < maxTries; tries++ { // another job's logout removed the folder
		err = c.write(pem)
	}
	if err != nil && before == nil {
		undo()
	}
	return undo, err
}

// maxTries is far more often than other jobs log out at one moment.
const maxTries = 100

func (c certificate) write(pem []byte) error {
	if err := c.makeFolder(); err != nil {
		return err
	}
	if err := os.Symlink(c.authFile, c.link()); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return wholefile.Write(c.path(), begun, pem, 0o644) // a CA is public
}

// makeFolder makes the host's folder if it is missing, and lists in it all that it
// made.
func (c certificate) makeFolder() error {
	mode := fs.FileMode(0o700)
	if strings.HasPrefix(c.folder, "/etc/") { // where every user's tools look
		mode = 0o755
	}
	var made []string
	for dir := c.folder; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		made = append(made, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if len(made) == 0 {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(c.folder), mode)
	if err == nil {
		err = os.Mkdir(c.folder, mode)
	}
	if errors.Is(err, fs.ErrExist) { // another login made it, and its list
		return nil
	}
	if err == nil {
		err = c.writeList(made)
	}
	if err != nil {
		removeEmpty(made)
	}
	return err
}

func (c certificate) writeList(made []string) error {
	return wholefile.Write(filepath.Join(c.folder, list), begun, []byte(strings.Join(made, "\n")), 0o600)
}

// remove removes the certificate, and those of auth files that are gone. It returns the
// folders that were made for them if nothing else is there.
func (c certificate) remove() (was bool, made []string, err error) {
	if err := c.check(); errors.Is(err, fs.ErrPermission) {
		return false, nil, err
	} else if err != nil {
		return false, nil, nil //nolint:nilerr // what is there is not ours
	}
	err = os.Remove(c.path())
	was = err == nil
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return was, nil, err
	}
	_ = os.Remove(c.link())
	c.sweep()
	return was, c.leave(), nil
}

// longestJob is how long a job needs its CA at most, as it needs its login.
const longestJob = 24 * time.Hour

// sweep removes what killed jobs left: unfinished files, and old certificates whose auth
// file is gone. The auth file of a job at work may be in another container.
func (c certificate) sweep() {
	wholefile.Sweep(c.folder, begun)
	entries, _ := os.ReadDir(c.folder)
	for _, entry := range entries {
		hash, ours := strings.CutPrefix(entry.Name(), holder)
		link := filepath.Join(c.folder, entry.Name())
		authFile, err := os.Readlink(link)
		if !ours || err != nil { // another logout removed it
			continue
		}
		pem := filepath.Join(c.folder, prefix+hash+suffix)
		if _, err := os.Lstat(authFile); errors.Is(err, fs.ErrNotExist) && old(pem, entry) {
			_ = os.Remove(pem)
			_ = os.Remove(link)
		}
	}
}

// old reports whether the certificate of a link, or the link without one, is older than
// any job.
func old(pem string, link os.DirEntry) bool {
	info, err := os.Lstat(pem)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = link.Info()
	}
	return err == nil && time.Since(info.ModTime()) >= longestJob
}

// leave removes the folder if we made it and nothing else is there, and gives all the
// folders that we made for it.
func (c certificate) leave() (made []string) {
	entries, _ := os.ReadDir(c.folder)
	text, err := c.trust.Read(filepath.Join(c.folder, list), maxFile)
	if err != nil || slices.ContainsFunc(entries, ofALogin) {
		return nil
	}
	if os.Remove(filepath.Join(c.folder, list)) != nil || len(entries) > 1 {
		return nil
	}
	made = strings.Split(string(text), "\n")
	if err := os.Remove(c.folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = c.writeList(made) // another login came meanwhile
		return nil
	}
	return made
}

// ofALogin reports whether a login that is there, or at work, made a file.
func ofALogin(entry os.DirEntry) bool {
	return strings.HasPrefix(entry.Name(), prefix) || strings.HasPrefix(entry.Name(), holder) // begun too
}

// removeEmpty removes those of the folders that are empty, the inner ones first.
func removeEmpty(folders []string) {
	slices.SortFunc(folders, func(a, b string) int { return len(b) - len(a) })
	for _, dir := range folders {
		_ = os.Remove(dir)
	}
}
