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

	"quay-keyless/internal/errno"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

// Store is the settings file beside one auth file. Other auth files in the folder
// share it.
type Store struct {
	path  string // a link here is not followed
	mode  fs.FileMode
	trust ownfile.Trust
}

// Beside names the settings file of an auth file, by the path that
// [quay-keyless/internal/authfile.File.Path] gives. Nothing need be there. Settings that
// are not to be trusted are an error of every method.
func Beside(authFile string, trust ownfile.Trust) *Store {
	return &Store{filepath.Join(filepath.Dir(authFile), FileName), 0, trust}
}

// SetMode chooses the file's permissions. With 0 a file that is there keeps its own, and
// a new one has 0600. There is no secret in it.
func (s *Store) SetMode(mode fs.FileMode) { s.mode = mode }

// Path is where the file is, or would be.
func (s *Store) Path() string { return s.path }

// Set keeps the settings of hosts, HOST[:PORT] each, and where the program was put for
// them; nil for nowhere. Other hosts and programs, and fields that this version does not
// know, stay. Then, before another login or logout can look at the settings, it runs
// login, which makes the tools ask the helper.
//
// Undo puts back what was there, unless another process has written since; it is nil
// if nothing was written. The error is that of login, or an [*Error].
func (s *Store) Set(ctx context.Context, hosts map[string]Settings, program *Installed, login func() error) (undo func(context.Context) error, err error) {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return nil, s.fault("cannot be written", err)
	}
	err = s.locked(ctx, func(before []byte) error {
		text, err := with(before, hosts, program)
		if err != nil {
			return &Error{s.path, err}
		}
		if err := s.write(before, text); err != nil {
			return err
		}
		undo = func(ctx context.Context) error {
			return s.locked(ctx, func(now []byte) error {
				if !bytes.Equal(now, text) {
					return nil
				}
				return s.write(now, before)
			})
		}
		return login()
	})
	return undo, err
}

// Remove forgets the settings of hosts, but for those that needed reports, and the file
// with the last host. Then the programs that were put somewhere for them come back, to
// be removed, but for those that another settings file holds. Without a file there is
// nothing to do. The error is an [*Error].
func (s *Store) Remove(ctx context.Context, needed func(host string) bool, hosts ...string) (programs []Installed, err error) {
	if _, err := os.Lstat(s.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // which needs no lock
	}
	err = s.locked(ctx, func(before []byte) error {
		c, err := parse(before)
		if err != nil {
			return &Error{s.path, err}
		}
		maps.DeleteFunc(c.hosts, func(host string, _ json.RawMessage) bool { return slices.Contains(hosts, host) && !needed(host) })
		if len(c.hosts) == 0 {
			programs = c.programs
			return s.write(before, nil)
		}
		text, err := c.encode()
		if err != nil {
			return &Error{s.path, err}
		}
		return s.write(before, text)
	})
	return slices.DeleteFunc(programs, Installed.held), err
}

// Programs are where the program was put. The error is an [*Error] for a file that
// Set would not write over; none at all is no error.
func (s *Store) Programs() ([]Installed, error) {
	text, err := read(s.trust, s.path)
	if err != nil {
		return nil, err
	}
	c, err := parse(text)
	if err != nil {
		return nil, &Error{s.path, err}
	}
	return c.programs, nil
}

// locked runs do with the text of the file, nil if there is none, under its lock, which
// is a file of its own while there are settings. On a file system without locks it runs
// without.
func (s *Store) locked(ctx context.Context, do func(text []byte) error) error {
	path := filepath.Join(filepath.Dir(s.path), "."+FileName+".lock")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	lock, err := s.trust.Lock(ctx, path)
	var waited *ownfile.Locked
	if errors.As(err, &waited) {
		return &Error{s.path, fmt.Errorf("is locked by another quay-keyless: %w", waited)}
	} else if err != nil {
		return s.fault("cannot be locked", err)
	}
	text, err := read(s.trust, s.path)
	if err == nil {
		err = do(text)
	}
	if _, gone := os.Lstat(s.path); errors.Is(gone, fs.ErrNotExist) {
		_ = os.Remove(path)
	}
	_ = lock.Close()
	return err
}

// write gives the file another text, nil for no file.
func (s *Store) write(before, text []byte) (err error) {
	switch {
	case bytes.Equal(text, before) && (text == nil) == (before == nil):
		return nil
	case text == nil:
		err = os.Remove(s.path)
	case before == nil:
		err = wholefile.Write(s.path, "."+FileName+".", text, s.mode)
	default:
		var old fs.FileInfo
		if old, err = os.Lstat(s.path); err == nil {
			err = wholefile.Replace(s.path, "."+FileName+".", old, text, s.mode, func() error { return nil })
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.fault("cannot be written", err)
	}
	return nil
}

// fault says what went wrong with the file.
func (s *Store) fault(what string, err error) error {
	var refused *ownfile.Error
	if errors.As(err, &refused) {
		return unreadable(s.path, err)
	}
	return &Error{s.path, fmt.Errorf("%s: %w", what, errno.WithoutPath(err))}
}
