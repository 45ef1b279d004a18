// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

const (
	prefix  = "quay-keyless-"       // of a certificate, before the hash of its auth file's path
	suffix  = ".crt"                // of all that tools read as certificates
	begun   = ".quay-keyless-file." // of an unfinished file, before a number
	comment = "# quay-keyless "     // of a certificate's first line, before its note

	maxFile    = 1 << 20        // far above any bundle of CA certificates
	maxTries   = 100            // far more often than other jobs log out at one moment
	longestJob = 24 * time.Hour // as long as a job's login counts
)

// certificate is the CA for the login in one auth file, in one host's folder.
type certificate struct {
	folder, authFile string
	trust            ownfile.Trust
}

// note is in the first line of our certificates, a comment to the tools.
type note struct {
	Login string   `json:"login"`          // the auth file
	Made  []string `json:"made,omitempty"` // folders for this certificate and those beside it
}

func (c certificate) path() string {
	sum := sha256.Sum256([]byte(c.authFile))
	return filepath.Join(c.folder, prefix+hex.EncodeToString(sum[:8])+suffix)
}

// check finds a folder or a file that must not be used. Dotfile managers may link certs.d,
// but a link in it may be another host's folder too.
func (c certificate) check() error {
	return cmp.Or(c.trust.Closed(filepath.Dir(c.folder)), c.trust.Real(c.folder), c.trust.Closed(c.folder), c.trust.Check(c.path()))
}

// install writes the certificate, and returns what undoes that.
func (c certificate) install(pem []byte) (undo func(), err error) {
	if err := c.check(); err != nil {
		return func() {}, err
	}
	before, err := c.trust.Read(c.path(), maxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return func() {}, err
	}
	for range maxTries {
		if err = c.write(pem); !errors.Is(err, fs.ErrNotExist) { // another job's logout removed the folder
			break
		}
	}
	return func() {
		if before != nil {
			_ = c.replace(before)
			return
		}
		_, made, _ := c.remove()
		removeEmpty(made)
	}, err
}

func (c certificate) write(pem []byte) error {
	made, err := c.makeFolder()
	if err == nil {
		about, _ := json.Marshal(note{c.authFile, made}) // strings cannot fail
		err = c.replace(slices.Concat([]byte(comment), about, []byte("\n"), pem))
	}
	if err != nil {
		removeEmpty(made)
	}
	return err
}

func (c certificate) replace(text []byte) error {
	return wholefile.Write(c.path(), begun, text, 0o644) // a CA is public
}

// makeFolder makes the host's folder, and returns all folders that a login with a
// certificate there made.
func (c certificate) makeFolder() (made []string, err error) {
	for dir := c.folder; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		made = append(made, dir)
	}
	if len(made) == 0 {
		for _, path := range c.all() {
			made = append(made, c.note(path).Made...)
		}
		slices.Sort(made)
		return slices.Compact(made), nil
	}
	mode := fs.FileMode(0o700)
	if strings.HasPrefix(c.folder, "/etc/") { // where every user's tools look
		mode = 0o755
	}
	return made, os.MkdirAll(c.folder, mode)
}

// all are the certificates in the folder that logins installed.
func (c certificate) all() (paths []string) {
	entries, _ := os.ReadDir(c.folder)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) && strings.HasSuffix(entry.Name(), suffix) {
			paths = append(paths, filepath.Join(c.folder, entry.Name()))
		}
	}
	return paths
}

// note is that of a certificate of ours, empty for any other.
func (c certificate) note(path string) (n note) {
	text, _ := c.trust.Read(path, maxFile)
	about, _ := split(text)
	_ = json.Unmarshal(about, &n)
	return n
}

// split separates our note, if there is one, from the certificates.
func split(text []byte) (note, pem []byte) {
	if rest, ours := bytes.CutPrefix(text, []byte(comment)); ours {
		note, pem, _ = bytes.Cut(rest, []byte("\n"))
		return note, pem
	}
	return nil, text
}

// remove removes the certificate. It returns the folders that were made for it.
func (c certificate) remove() (was bool, made []string, err error) {
	if err := c.check(); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return false, nil, err
		}
		return false, nil, nil // what is there is not ours
	}
	made = c.note(c.path()).Made
	if err = os.Remove(c.path()); errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	return err == nil, made, err
}

// sweep removes what killed jobs left: unfinished files, and old certificates whose auth
// file is gone. The auth file of a job at work may be in another container. It returns the
// folders that were made for them.
func (c certificate) sweep() (made []string) {
	wholefile.Sweep(c.folder, begun)
	for _, path := range c.all() {
		n := c.note(path)
		info, err := os.Lstat(path)
		_, gone := os.Lstat(n.Login)
		if n.Login != "" && errors.Is(gone, fs.ErrNotExist) && err == nil && time.Since(info.ModTime()) >= longestJob {
			_ = os.Remove(path)
			made = append(made, n.Made...)
		}
	}
	return made
}

// removeEmpty removes those of the folders that are empty, the inner ones first.
func removeEmpty(folders []string) {
	slices.SortFunc(folders, func(a, b string) int { return len(b) - len(a) })
	for _, dir := range folders {
		_ = os.Remove(dir)
	}
}
