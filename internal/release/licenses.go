// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licenseFile is a name under which a module keeps a text that those who hand
// its code on must hand on too.
var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// licenses are the texts of Go itself and of every module that the program links on
// one of the systems.
func (s *source) licenses(ctx context.Context) ([]byte, error) {
	root, err := s.run(ctx, nil, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	var modules []string
	for _, system := range []string{"linux", "darwin", "windows"} {
		output, err := s.run(ctx, []string{"GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOOS=" + system}, nil,
			"go", "list", "-deps", "-f", "{{with .Module}}{{if .Version}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/quay-keyless")
		if err != nil {
			return nil, err
		}
		modules = append(modules, strings.Split(strings.TrimSpace(string(output)), "\n")...)
	}
	slices.Sort(modules)
	var all bytes.Buffer
	for _, line := range append([]string{"go\t" + strings.TrimSpace(string(root))}, slices.Compact(modules)...) {
		name, folder, _ := strings.Cut(line, "\t")
		if err := addLicenses(&all, name, folder); err != nil {
			return nil, err
		}
	}
	return all.Bytes(), nil
}

// addLicenses copies the texts of one module; one without any is an error.
func addLicenses(all *bytes.Buffer, module, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	found := false
	for _, entry := range entries {
		if entry.IsDir() || !licenseFile.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(all, "%s\n%s: %s\n\n%s\n", strings.Repeat("=", 78), module, entry.Name(), bytes.TrimSpace(text))
		found = true
	}
	if !found {
		return fmt.Errorf("%s has no license in %s", module, folder)
	}
	return nil
}
