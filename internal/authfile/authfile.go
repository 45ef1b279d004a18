// SPDX-License-Identifier: Apache-2.0

// Package authfile writes registry logins into a containers-auth.json or docker
// config.json, and restores what was there. It changes only the bytes of its own
// entries, locks out other quay-keyless processes, writes a new file and renames it over
// the old one, and then looks whether a tool without locks wrote in between.
//
// The record beside the auth file, .NAME.quay-keyless, keeps what was there until
// [File.Restore], or [File.Release] of the last job that needs our login, restores it.
// The lock is the file .NAME.quay-keyless.lock.
package authfile

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/ownfile"
)

// auths is the member of an auth file that holds the logins.
const auths = "auths"

// credHelpers is the member that names a program per host, docker-credential-NAME, which
// tools ask for the login (config.json of docker, containers-auth.json(5)).
const credHelpers = "credHelpers"

// OwnHelper is our credential helper, as credHelpers names it.
const OwnHelper = "quay-keyless"

// Entry is one login. It is written as {"auth": base64(User:Token)} and nothing else, the
// one form that every tool reads, or has tools ask [OwnHelper].
type Entry struct {
	Key    string // HOST[:PORT] or HOST/ORG, as it stands in the file
	Helper bool   // for a HOST; no user and no token
	Org    string // the organization that a login under HOST is for, "" for all
	User   string // a robot's full name; must not hold a colon
	Token  idtoken.Secret
	Hold   Hold
}

// Credential is the base64 of user:token, as an auth file holds a login. It opens the
// registry like the token itself, so mask it too.
func Credential(user string, token idtoken.Secret) idtoken.Secret {
	return idtoken.NewSecret(base64.StdEncoding.EncodeToString([]byte(user + ":" + token.Reveal())))
}

// value is the JSON that the entry's key gets. Base64 needs no escaping.
func (e Entry) value() []byte {
	return []byte(`{"auth":"` + Credential(e.User, e.Token).Reveal() + `"}`)
}

// validate finds what no tool could read.
func (e Entry) validate() error {
	unprintable := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	switch {
	case e.Key == "" || !utf8.ValidString(e.Key) || strings.ContainsFunc(e.Key, unprintable):
		return fmt.Errorf("%q is not a registry key", e.Key)
	case e.Helper && strings.Contains(e.Key, "/"): // which tools never look up
		return fmt.Errorf("%q is not a host", e.Key)
	case e.Helper:
		return nil
	case e.User == "" || strings.Contains(e.User, ":"):
		return fmt.Errorf("%q is not a user name that an auth file can hold", e.User)
	case e.Token.Empty():
		return fmt.Errorf("the token for %s is empty", e.Key)
	}
	return nil
}

// HostOf is the registry of a key, HOST or HOST/ORG.
func HostOf(key string) string {
	host, _, _ := strings.Cut(key, "/")
	return host
}

// Quote is text as a JSON string, such as the value of a helper.
func Quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // no string fails
	}
	return quoted
}

// File is an auth file, which may be missing. It is safe for concurrent use; each call
// locks the file.
type File struct {
	path  string
	trust ownfile.Trust
	// Mode is the file's after a write, to share a login with another user. If it is 0, an
	// existing file keeps its mode, and a new one has 0600. The record stays private.
	Mode os.FileMode
	// Keep has a file that Set created stay at logout, without a login: the environment
	// names it, and podman stops at a missing file.
	Keep bool
	// Start is what the first login in the file copies. It goes with the last login.
	Start Start
	// opened is when this process opened the file. A later write by another quay-keyless
	// happened at the same time as ours.
	opened time.Time
	// What tests change: see others.go, and what is called after a wait and a write there.
	settling, recent time.Duration
	settled, written func()
}

// Open names the auth file at path, which may be missing, and resolves every symbolic link
// on the way, because a write must create or replace the link's target, never the link.
// trust decides which files beside it the program obeys. The error is that of [Resolve].
func Open(path string, trust ownfile.Trust) (*File, error) {
	resolved, err := Resolve(path)
	if err != nil {
		return nil, err
	}
	return &File{path: resolved, trust: trust, opened: time.Now(), settling: settling, recent: recent}, nil
}

// Start is what an isolated login starts its files from.
type Start struct {
	Text   []byte // of a new file, without logins
	Copies []Copy
	Folder *Folder // around the file
	// Drop reports whether a copy of an earlier login would hide this login.
	Drop func(Copy) bool
}

// Copy is a login or helper that tools saw elsewhere: a member of "auths" or "credHelpers".
type Copy struct {
	Helper bool
	Key    string
	Value  []byte // JSON
}

func (c Copy) object() string {
	if c.Helper {
		return credHelpers
	}
	return auths
}

// Copied are what an earlier isolated login copied into the file.
func (f *File) Copied() []Copy {
	_, r, _, _ := f.load()
	var copies []Copy
	for _, s := range r.Keys {
		if s.Copied {
			copies = append(copies, s.copy())
		}
	}
	return copies
}

// Path is the resolved, absolute path.
func (f *File) Path() string { return f.path }

// sideName is what the names of all the files begin with that we put beside the auth
// file. Alone it is the record; a temporary file adds a dot and a number.
func (f *File) sideName() string { return "." + filepath.Base(f.path) + recordSuffix }

const recordSuffix = ".quay-keyless"

// dir is where the auth file and its record are.
func (f *File) dir() string { return filepath.Dir(f.path) }

func (f *File) recordPath() string { return filepath.Join(f.dir(), f.sideName()) }

func (f *File) lockPath() string { return f.recordPath() + ".lock" }
