// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quay-keyless/internal/ownfile"
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
	return Places{Search: []string{own, etc}, Write: []string{own}, Trust: ownfile.By(os.Getuid(), "")}, etc
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
	if _, err := p.Install(host, holder, []byte(pem)); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, p Places, holder string) []string {
	t.Helper()
	removed, err := p.Remove(holder, all)
	if err != nil {
		t.Fatal(err)
	}
	return removed
}

// all are the hosts of a logout that names none.
func all(string) bool { return true }

// file is the certificate of an auth file.
func file(p Places, holder string) string { return p.at(p.Search[0], host, holder).path() }

// admin is a certificate of somebody else in the home's folder for the host.
func admin(p Places) string { return filepath.Join(p.Search[0], host, "ca.crt") }

// names are the files and folders below dir, hidden ones too, without the hash of a path.
func names(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	for _, found := range tree(t, dir) {
		list = append(list, hash.ReplaceAllString(found, "HASH"))
	}
	return list
}

var hash = regexp.MustCompile(`[0-9a-f]{16}`)

func wantText(t testing.TB, path, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	got := string(text)
	if strings.HasPrefix(got, comment) {
		_, got, _ = strings.Cut(got, "\n")
	}
	if err != nil || got != want {
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

func wantError(t testing.TB, err, want error) {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) || !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// wantRefused wants an error that says why a file or folder must not be used.
func wantRefused(t testing.TB, err error, want ownfile.Reason) {
	t.Helper()
	var fault *Error
	var why *ownfile.Error
	if !errors.As(err, &fault) || !errors.As(err, &why) || why.Reason != want {
		t.Errorf("error %v, want %q", err, want)
	}
}
