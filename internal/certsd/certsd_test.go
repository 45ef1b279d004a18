// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
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

func TestLocate(t *testing.T) {
	env := map[string]string{"HOME": "/home/ci", "XDG_CONFIG_HOME": "/elsewhere"}
	own := "/home/ci/.config/containers/certs.d"
	search := []string{own, "/etc/containers/certs.d", "/etc/docker/certs.d"}
	for uid, want := range map[int]Places{
		1000: {Search: search, Write: search[:1]},
		0:    {Search: search, Write: search, Docker: "/etc/docker/certs.d"},
	} {
		got, err := Locate(func(name string) string { return env[name] }, uid, "linux")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("uid %d: %+v, %v, want %+v", uid, got, err, want)
		}
	}
	for _, goos := range []string{"darwin", "windows"} {
		if _, err := Locate(os.Getenv, 1000, goos); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", goos, err)
		}
	}
	if _, err := Locate(func(string) string { return "" }, 1000, "linux"); err == nil {
		t.Error("no HOME is no error")
	}
}

func TestNothingBefore(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	install(t, p, holder, ours)
	wantText(t, file(p), ours)
	wantTree(t, root(p), ".config drwx------", ".config/containers drwx------", ".config/containers/certs.d drwx------",
		".config/containers/certs.d/.quay-keyless.json -rw-------", ".config/containers/certs.d/.quay-keyless.lock -rw-------",
		".config/containers/certs.d/quay.example:8443 drwx------", ".config/containers/certs.d/quay.example:8443/ca.crt -rw-r--r--")
	if got := remove(t, p, holder); fmt.Sprint(got) != fmt.Sprint([]string{file(p)}) {
		t.Errorf("removed %q", got)
	}
	wantTree(t, root(p))
	if got := remove(t, p, holder); len(got) != 0 {
		t.Errorf("removed %q the second time", got)
	}
}

// What is there before the first login: its text, its mode and its neighbours
// are the same after the last logout, and it is trusted meanwhile.
func TestForeignFileComesBack(t *testing.T) {
	for name, text := range map[string]string{"a certificate": foreign, "the same one": ours, "no bytes": "", "no PEM": "\x00\n"} {
		t.Run(name, func(t *testing.T) {
			p, _ := home(t)
			put(t, file(p), text)
			put(t, filepath.Join(filepath.Dir(file(p)), "client.key"), "key")
			before := tree(t, root(p))
			first, second := job(t), job(t)
			for range 2 {
				install(t, p, first, ours)
			}
			install(t, p, second, other)
			got, err := os.ReadFile(file(p))
			if err != nil || !strings.HasPrefix(string(got), text) || strings.Count(string(got), ours) != 1 || !strings.Contains(string(got), other) {
				t.Errorf("ca.crt holds %q, %v", got, err)
			}
			remove(t, p, first)
			remove(t, p, second)
			wantText(t, file(p), text)
			wantTree(t, root(p), before...)
		})
	}
}

func TestTwoJobs(t *testing.T) {
	for name, second := range map[string]string{"one CA": ours, "two CAs": other} {
		t.Run(name, func(t *testing.T) {
			p, _ := home(t)
			a, b := job(t), job(t)
			install(t, p, a, ours)
			install(t, p, b, second)
			remove(t, p, a)
			wantText(t, file(p), second)
			remove(t, p, b)
			wantTree(t, root(p))
		})
	}
}

// A job that was killed never logs out; its folder is cleared by the runner.
func TestJobThatNeverLogsOut(t *testing.T) {
	p, _ := home(t)
	killed, next := job(t), job(t)
	install(t, p, killed, ours)
	if err := os.Remove(killed); err != nil {
		t.Fatal(err)
	}
	install(t, p, next, ours)
	remove(t, p, next)
	wantTree(t, root(p))
}

func TestAnotherToolReplacedOurs(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	install(t, p, holder, ours)
	put(t, file(p), foreign)
	if got := remove(t, p, holder); len(got) != 0 {
		t.Errorf("removed %q", got)
	}
	wantText(t, file(p), foreign)
	wantTree(t, p.Search[0], host+" drwx------", host+"/ca.crt -rw-r--r--")
}

func TestRemoveOneHost(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	install(t, p, holder, ours)
	if _, err := p.Install(t.Context(), "b.example", holder, []byte(other)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Remove(t.Context(), holder, "b.example", "c.example"); err != nil {
		t.Fatal(err)
	}
	wantText(t, file(p), ours)
	if _, err := os.Stat(filepath.Join(p.Search[0], "b.example")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("b.example: %v", err)
	}
	remove(t, p, holder)
	wantTree(t, root(p))
}

// A new folder in the home would hide the administrator's.
func TestHides(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		hides bool
	}{"client.cert": {"x", true}, "client.key": {"x", true}, "ca.crt": {foreign, true}, "own.crt": {ours, false}, "README": {"x", false}} {
		t.Run(name, func(t *testing.T) {
			p, etc := home(t)
			path := filepath.Join(etc, host, name)
			put(t, path, c.text)
			_, err := p.Install(t.Context(), host, job(t), []byte(ours))
			if !c.hides {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantReason(t, err, Hides)
			if !strings.HasSuffix(err.Error(), path) {
				t.Errorf("%v does not name %s", err, path)
			}
			wantTree(t, root(p))
			put(t, file(p), foreign) // now the home's folder counts already
			install(t, p, job(t), ours)
			wantText(t, file(p), foreign+"\n"+ours)
		})
	}
}

// Root's CA goes where the tools look first, and to the docker engine's folder.
func TestRoot(t *testing.T) {
	p, etc := home(t)
	docker := filepath.Join(t.TempDir(), "certs.d")
	p.Search = append(p.Search, docker)
	p.Write, p.Docker = p.Search, docker
	put(t, filepath.Join(etc, host, "client.cert"), "x")
	before, holder := tree(t, etc), job(t)
	got, err := p.Install(t.Context(), host, holder, []byte(ours))
	if want := []string{folder(etc).file(host), folder(docker).file(host)}; err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
	wantTree(t, root(p))
	remove(t, p, holder)
	wantTree(t, etc, before...)
	wantTree(t, filepath.Dir(docker))
}

// Where one place fails, the others are as they were.
func TestAllOrNothing(t *testing.T) {
	for name, earlier := range map[string]string{"first login": "", "login over a login": other} {
		t.Run(name, func(t *testing.T) {
			p, _ := home(t)
			holder := job(t)
			if earlier != "" {
				install(t, p, holder, earlier)
			}
			p.Docker = filepath.Join(t.TempDir(), "certs.d")
			put(t, filepath.Join(p.Docker, host), "no folder")
			before := tree(t, root(p))
			_, err := p.Install(t.Context(), host, holder, []byte(ours))
			wantReason(t, err, NotRegular)
			wantTree(t, root(p), before...)
			wantTree(t, p.Docker, host+" -rw-------")
			if earlier != "" {
				wantText(t, file(p), earlier)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	p, _ := home(t)
	elsewhere := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(p.Search[0]), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, p.Search[0]); err != nil { // as dotfile managers do
		t.Fatal(err)
	}
	holder := job(t)
	install(t, p, holder, ours)
	wantText(t, filepath.Join(elsewhere, host, "ca.crt"), ours)
	remove(t, p, holder)
	wantTree(t, elsewhere)

	link := func(target, name string) {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
		before := tree(t, elsewhere)
		_, err := p.Install(t.Context(), host, holder, []byte(ours))
		wantReason(t, err, Linked)
		wantTree(t, elsewhere, before...)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	shared := t.TempDir()
	link(shared, filepath.Join(elsewhere, host))
	put(t, filepath.Join(elsewhere, host, "README"), "")
	link("/etc/ssl/ca.crt", filepath.Join(elsewhere, host, "ca.crt"))
	wantTree(t, shared)
}

func TestBadRequests(t *testing.T) {
	p, _ := home(t)
	for _, bad := range []string{"", ".", "..", "../x", "a/b", `a\b`, ".quay-keyless.json", "a b", "a\x00"} {
		_, err := p.Install(t.Context(), bad, "/a", []byte(ours))
		wantReason(t, err, BadRequest)
	}
	_, err := p.Install(t.Context(), host, "relative", []byte(ours))
	wantReason(t, err, BadRequest)
	_, err = p.Install(t.Context(), host, "/a", nil)
	wantReason(t, err, BadRequest)
	wantTree(t, root(p))
}

func TestParallel(t *testing.T) {
	p, _ := home(t)
	var group sync.WaitGroup
	for i := range 20 {
		holder, pem := job(t), []byte(fmt.Sprintf("ca %d;\n", i%3))
		group.Go(func() {
			for range 5 {
				if _, err := p.Install(t.Context(), host, holder, pem); err != nil {
					t.Error(err)
				}
				if text, err := os.ReadFile(file(p)); err != nil || !strings.Contains(string(text), string(pem)) {
					t.Errorf("%q, %v, lacks %q", text, err, pem)
				}
				if _, err := p.Remove(t.Context(), holder); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, found := range tree(t, root(p)) {
		if !strings.Contains(found, " d") { // folders may stay (see open.close)
			t.Errorf("%s is left", found)
		}
	}
}
