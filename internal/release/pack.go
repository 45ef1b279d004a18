// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// pack writes the archive of a program.
func (s *source) pack(ctx context.Context, b *binary, folder string) error {
	program, err := os.ReadFile(filepath.Join(folder, b.name))
	if err != nil {
		return err
	}
	documents, err := s.documents(ctx, b)
	if err != nil {
		return err
	}
	contents, write, suffix := s.unix, tarred, ".tar.gz"
	if b.os == "windows" {
		contents, write, suffix = s.windows, zipped, ".zip"
	}
	files, err := contents(program, documents)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("quay-keyless-%s-%s-%s", s.version, b.os, b.cpu)
	var archive bytes.Buffer
	if err := write(&archive, inside(name, files), s.time); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name+suffix), archive.Bytes(), 0o644)
}

// documents are the files that every archive has.
func (s *source) documents(ctx context.Context, b *binary) (files []file, err error) {
	for _, name := range []string{"LICENSE", "README.md"} {
		content, err := os.ReadFile(filepath.Join(s.folder, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{path: name, content: content, mode: 0o644})
	}
	licenses, err := s.licenses(ctx, b)
	return append(files, file{path: "THIRD_PARTY_LICENSES", content: licenses, mode: 0o644}), err
}

// unix are the files as `tar --strip-components 1 -C /usr/local` installs them,
// with the credential helper as the program's second name.
func (s *source) unix(program []byte, documents []file) ([]file, error) {
	pages, err := manual(s)
	if err != nil {
		return nil, err
	}
	scripts, err := completions("bash", "zsh", "fish")
	if err != nil {
		return nil, err
	}
	files := []file{
		{path: "bin/quay-keyless", content: program, mode: 0o755},
		{path: "bin/docker-credential-quay-keyless", link: "quay-keyless", mode: 0o777},
	}
	files = append(files, inside("share/doc/quay-keyless", documents)...)
	return append(append(files, pages...), scripts...), nil
}

// windows are the files of a folder that the user adds to PATH.
func (s *source) windows(program []byte, documents []file) ([]file, error) {
	scripts, err := completions("powershell")
	files := append([]file{{path: "quay-keyless.exe", content: program, mode: 0o755}}, documents...)
	return append(files, scripts...), err
}
