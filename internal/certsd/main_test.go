// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	host    = "quay.example:8443"
	ours    = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"
	other   = "-----BEGIN CERTIFICATE-----\nother\n-----END CERTIFICATE-----" // without a newline
	foreign = "-----BEGIN CERTIFICATE-----\nforeign\n-----END CERTIFICATE-----"
)

// home is a user's places below a new folder; etc is a folder of the
// administrator's, which the user may not change.
func home(t testing.TB) (p Places, etc string) {
	t.Helper()
	base := t.TempDir()
	own := filepath.Join(base, ".config", "containers", "certs.d")
	etc = filepath.Join(t.TempDir(), "certs.d")
	return Places{Search: []string{own, etc}, Write: []string{own}}, etc
}

// job is an auth file.
func job(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	put(t, path, "{}")
	return path
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func install(t testing.TB, p Places, holder, pem string) {
	t.Helper()
	if _, err := p.Install(t.Context(), host, holder, []byte(pem)); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, p Places, holder string) []string {
	t.Helper()
	removed, err := p.Remove(t.Context(), holder)
	if err != nil {
		t.Fatal(err)
	}
	return removed
}

func file(p Places) string { return folder(p.Search[0]).file(host) }

func wantText(t testing.TB, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), want %q", path, got, err, want)
	}
}

// tree lists all files and folders below dir with their modes.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		found = append(found, fmt.Sprintf("%s %v", strings.TrimPrefix(path, dir+"/"), info.Mode()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// root is the folder below which home made everything.
func root(p Places) string { return strings.TrimSuffix(p.Search[0], "/.config/containers/certs.d") }

func wantTree(t testing.TB, dir string, want ...string) {
	t.Helper()
	if got := tree(t, dir); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("found\n%q, want\n%q", got, want)
	}
}

func wantReason(t testing.TB, err error, want Reason) {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) || fault.Reason != want {
		t.Errorf("error %v, want one that it %s", err, words[want])
	}
}
