// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
)

// documents writes what the archives have beside the program: FOLDER/unix is for
// /usr/local, FOLDER/windows for a folder that the user adds to PATH. The checkout must
// be what was committed, since nobody could build anything else again.
func documents(ctx context.Context, version, folder string) error {
	s, err := open(ctx, ".", version)
	if err != nil {
		return err
	}
	if err := s.clean(ctx); err != nil {
		return err
	}
	files, err := manual(s)
	if err != nil {
		return err
	}
	scripts, err := completions()
	if err != nil {
		return err
	}
	maps.Copy(files, scripts)
	licenses, err := s.licenses(ctx)
	if err != nil {
		return err
	}
	texts := map[string][]byte{"THIRD_PARTY_LICENSES": licenses}
	for _, name := range []string{"LICENSE", "README.md"} {
		if texts[name], err = os.ReadFile(filepath.Join(s.folder, name)); err != nil {
			return err
		}
	}
	for name, text := range texts {
		files["unix/share/doc/quay-keyless/"+name], files["windows/"+name] = text, text
	}
	for path, content := range files {
		if err := s.write(filepath.Join(folder, filepath.FromSlash(path)), content); err != nil {
			return err
		}
	}
	return s.helper(filepath.Join(folder, "unix", "bin"))
}

// write writes a file with its folder. Packages keep modes and times.
func (s *source) write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o644); err != nil {
		return err
	}
	return os.Chtimes(path, s.time, s.time)
}

// helper makes the program's second name, as the credential helper.
func (s *source) helper(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.Symlink("quay-keyless", filepath.Join(folder, "docker-credential-quay-keyless"))
}
