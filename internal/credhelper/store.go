// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

// Store is the settings file beside one auth file. Other auth files in the folder
// share it. The errors of its methods are [*Error].
type Store struct {
	path  string // a link here is not followed
	mode  fs.FileMode
	trust ownfile.Trust
}

// Beside names the settings file of an auth file, by the path that
// [quay-keyless/internal/authfile.File.Path] gives. It may be missing.
func Beside(authFile string, trust ownfile.Trust) *Store {
	return &Store{filepath.Join(filepath.Dir(authFile), FileName), 0, trust}
}

// SetMode chooses the file's permissions. With 0 a file that is there keeps its own, and
// a new one has 0600. There is no secret in it.
func (s *Store) SetMode(mode fs.FileMode) { s.mode = mode }

// Path is where the file is, or would be.
func (s *Store) Path() string { return s.path }

// Set keeps the settings of hosts, HOST[:PORT] each, and where the program was put for
// them; nil for nowhere. Then, before another login or logout can look at the settings, it
// runs login, which makes the tools ask the helper.
//
// Undo restores the file, unless another process has written it since; it is nil
// if nothing was written. The error may be that of login.
func (s *Store) Set(ctx context.Context, hosts map[string]Settings, program *Installed, login func() error) (undo func(context.Context) error, err error) {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return nil, fault(s.path, "cannot be written", err)
	}
	err = s.locked(ctx, func(before []byte, c content) error {
		maps.Copy(c.Hosts, hosts)
		if program != nil {
			c.Programs = append(slices.DeleteFunc(c.Programs, func(p Installed) bool { return p.Path == program.Path }), *program)
		}
		text, err := s.write(before, &c)
		if err != nil {
			return err
		}
		undo = func(ctx context.Context) error {
			return s.locked(ctx, func(now []byte, _ content) error {
				if !bytes.Equal(now, text) {
					return nil
				}
				return s.replace(now, before)
			})
		}
		return login()
	})
	return undo, err
}

// Remove forgets the settings of hosts, but for those that needed reports, and removes the
// file with the last host. Then it returns the programs that were put somewhere for them,
// but for those that another settings file holds.
func (s *Store) Remove(ctx context.Context, needed func(host string) bool, hosts ...string) (programs []Installed, err error) {
	if _, err := os.Lstat(s.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // which needs no lock
	}
	err = s.locked(ctx, func(before []byte, c content) error {
		maps.DeleteFunc(c.Hosts, func(host string, _ Settings) bool { return slices.Contains(hosts, host) && !needed(host) })
		if len(c.Hosts) == 0 {
			programs = c.Programs
			return s.replace(before, nil)
		}
		_, err := s.write(before, &c)
		return err
	})
	return slices.DeleteFunc(programs, Installed.held), err
}

// held reports whether a settings file still holds the program.
func (i Installed) held() bool {
	return slices.ContainsFunc(i.Holders, func(path string) bool {
		_, c, err := read(ownfile.Trust{}, path)
		return err == nil && slices.ContainsFunc(c.Programs, func(other Installed) bool { return other.Path == i.Path })
	})
}

// Programs are where the program was put.
func (s *Store) Programs() ([]Installed, error) {
	_, c, err := read(s.trust, s.path)
	return c.Programs, err
}

// locked runs do under the lock, with the file's text. Without a file the text is nil.
// The lock is a file beside it as long as there are settings. Some file systems have no
// locks: there do runs without one.
func (s *Store) locked(ctx context.Context, do func(text []byte, c content) error) error {
	path := filepath.Join(filepath.Dir(s.path), "."+FileName+".lock")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	lock, err := s.trust.Lock(ctx, path)
	if waited := (*ownfile.Locked)(nil); errors.As(err, &waited) {
		return &Error{s.path, fmt.Errorf("is locked by another quay-keyless: %w", waited)}
	} else if err != nil {
		return fault(s.path, "cannot be locked", err)
	}
	text, c, err := read(s.trust, s.path)
	if err == nil {
		err = do(text, c)
	}
	if _, gone := os.Lstat(s.path); errors.Is(gone, fs.ErrNotExist) {
		_ = os.Remove(path)
	}
	_ = lock.Close()
	return err
}

// write gives the file another content.
func (s *Store) write(before []byte, c *content) (text []byte, err error) {
	text, err = json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, &Error{s.path, err}
	}
	text = append(text, '\n')
	return text, s.replace(before, text)
}

// replace gives the file another text, nil for no file.
func (s *Store) replace(before, text []byte) error {
	old, err := os.Lstat(s.path)
	switch {
	case bytes.Equal(text, before) && (text == nil) == (before == nil):
		return nil
	case text == nil:
		err = os.Remove(s.path)
	case err == nil || before == nil:
		err = wholefile.Replace(s.path, "."+FileName+".", old, text, s.mode, func() error { return nil })
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault(s.path, "cannot be written", err)
	}
	return nil
}
