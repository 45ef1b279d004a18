// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/ownfile"
)

// Store is the settings file beside one auth file. Other auth files in the folder
// share it: each holds the hosts that it asks for.
type Store struct {
	path   string // a link here is not followed
	file   *authfile.File
	trust  ownfile.Trust
	holder string // the auth file's path
}

// Beside names the settings file of an auth file, by the path that
// [authfile.File.Path] gives. Nothing need be there. Settings that are not to be
// trusted are an error of every method.
func Beside(authFile string, trust ownfile.Trust) (*Store, error) {
	path := filepath.Join(filepath.Dir(authFile), FileName)
	file, err := authfile.Open(path, trust)
	if err != nil {
		return nil, said(path, err)
	}
	return &Store{path, file, trust, authFile}, nil
}

// SetMode chooses the file's permissions, in place of 0600, as
// [authfile.File.SetMode] does. There is no secret in it.
func (s *Store) SetMode(mode os.FileMode) { s.file.SetMode(mode) }

// Path is where the file is, or would be.
func (s *Store) Path() string { return s.path }

// Set keeps the settings of hosts, HOST[:PORT] each, for the auth file, and where
// the program was put for them; nil for nowhere. Other hosts, programs and holders,
// and fields that this version does not know, stay. The file has mode 0600 and is
// written under a lock at one stroke.
//
// Undo puts back what was there, unless somebody else wrote since. The error is
// an [*Error].
func (s *Store) Set(ctx context.Context, hosts map[string]Settings, program *Installed) (undo func(context.Context) error, err error) {
	var before, wrote []byte
	err = s.rewrite(ctx, func(old []byte) ([]byte, error) {
		c, err := parse(old)
		if err != nil {
			return nil, &Error{s.Path(), err}
		}
		for _, host := range slices.Sorted(maps.Keys(hosts)) {
			if err := hosts[host].validate(); err != nil {
				return nil, &Error{s.Path(), fmt.Errorf("was given settings for %s that are wrong: it %w", host, err)}
			}
			if c.hosts[host], err = merged(c.hosts[host], hosts[host], s.holder); err != nil {
				return nil, &Error{s.Path(), fmt.Errorf("is wrong for %s: %w", host, err)}
			}
		}
		c.keep(program)
		before = old
		wrote, err = c.encode()
		return wrote, err
	})
	return func(ctx context.Context) error {
		return s.rewrite(ctx, func(now []byte) ([]byte, error) {
			if bytes.Equal(now, wrote) {
				return before, nil
			}
			return now, nil
		})
	}, err
}

// Remove lets the auth file go as a holder of hosts. A host without a holder, or
// with none but auth files that are gone, is forgotten, and the file with the last
// one. Then the programs that were put somewhere for them come back, to be taken
// away, but for those that another settings file holds. The error is an [*Error].
func (s *Store) Remove(ctx context.Context, hosts ...string) (programs []Installed, err error) {
	err = s.rewrite(ctx, func(old []byte) ([]byte, error) {
		c, err := parse(old)
		if err != nil {
			return nil, &Error{s.Path(), err}
		}
		for _, host := range hosts {
			if err := c.release(host, s.holder); err != nil {
				return nil, &Error{s.Path(), fmt.Errorf("is wrong for %s: %w", host, err)}
			}
		}
		if len(c.hosts) == 0 {
			programs = c.programs
			return nil, nil
		}
		return c.encode()
	})
	return slices.DeleteFunc(programs, Installed.held), err
}

// Exists reports whether there are settings, so that a logout from a login
// without a helper makes no lock for nothing.
func (s *Store) Exists() bool {
	_, err := os.Lstat(s.Path())
	return err == nil
}

// Programs are where the program was put. The error is an [*Error] for a file that
// Set would not write over; none at all is no error.
func (s *Store) Programs() ([]Installed, error) {
	text, err := read(s.trust, s.Path())
	if text == nil {
		return nil, err
	}
	c, err := parse(text)
	if err != nil {
		return nil, &Error{s.Path(), err}
	}
	return c.programs, nil
}

func (s *Store) rewrite(ctx context.Context, change func([]byte) ([]byte, error)) error {
	if err := s.trust.Check(s.Path()); err != nil {
		return unreadable(s.Path(), err)
	}
	return said(s.Path(), s.file.Rewrite(ctx, change))
}

// said makes err one about the settings file.
func said(path string, err error) error {
	var known *Error
	var file *authfile.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.As(err, &file):
		return &Error{path, predicate{file}}
	}
	return &Error{path, fmt.Errorf("cannot be written: %w", err)}
}

// predicate is an error about a file without the words that name the file.
type predicate struct {
	of interface {
		error
		Predicate() string
	}
}

func (p predicate) Error() string { return p.of.Predicate() }
func (p predicate) Unwrap() error { return p.of }

// merged lays settings over what the file had for the host, and adds the holder.
func merged(old json.RawMessage, settings Settings, holder string) (json.RawMessage, error) {
	all := members(old)
	holders, err := json.Marshal(append(holdersBut(all, holder), holder))
	if err != nil {
		return nil, err
	}
	all["holders"] = holders
	return over(all, settings, "id-token-source", "id-token-file", "id-token-env", "id-token-options", "ca-certificate")
}

// over is all with what value has, and without the optional members that it lacks.
func over(all map[string]json.RawMessage, value any, optional ...string) (json.RawMessage, error) {
	for _, name := range optional {
		delete(all, name)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// encode is the file's text.
func (c content) encode() ([]byte, error) {
	all := maps.Clone(c.top)
	var programs []json.RawMessage
	for _, program := range c.programs {
		text, err := over(members(c.were[program.Path]), program, "target", "sha256", "holders", "private")
		if err != nil {
			return nil, err
		}
		programs = append(programs, text)
	}
	for name, value := range map[string]any{"version": version, "hosts": c.hosts, "programs": programs} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		all[name] = text
	}
	if len(c.programs) == 0 {
		delete(all, "programs")
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
}
