// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"quay-keyless/internal/ownfile"
)

func TestLocate(t *testing.T) {
	env := map[string]string{"HOME": "/home/ci", "XDG_CONFIG_HOME": "/elsewhere"}
	own := "/home/ci/.config/containers/certs.d"
	search := []string{own, "/etc/containers/certs.d", "/etc/docker/certs.d"}
	for uid, want := range map[int]Places{
		1000: {Search: search, Write: search[:1]},
		0:    {Search: search, Write: search, Docker: "/etc/docker/certs.d"},
	} {
		got, err := Locate(func(name string) string { return env[name] }, uid, "linux", ownfile.Trust{})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("uid %d: %+v, %v, want %+v", uid, got, err, want)
		}
	}
	for _, goos := range []string{"darwin", "windows"} {
		if _, err := Locate(os.Getenv, 1000, goos, ownfile.Trust{}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", goos, err)
		}
	}
	if _, err := Locate(func(string) string { return "" }, 1000, "linux", ownfile.Trust{}); err == nil {
		t.Error("no HOME is no error")
	}
}

func TestNothingBefore(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	install(t, p, holder, ours)
	wantText(t, file(p, holder), ours)
	certificates := slices.DeleteFunc(names(t, root(p)), func(name string) bool { return !strings.Contains(name, ".crt") })
	if want := ".config/containers/certs.d/quay.example:8443/quay-keyless-HASH.crt -rw-r--r--"; !slices.Equal(certificates, []string{want}) {
		t.Errorf("the tools find %q, not %s", certificates, want)
	}
	if got := remove(t, p, holder); fmt.Sprint(got) != fmt.Sprint([]string{file(p, holder)}) {
		t.Errorf("removed %q", got)
	}
	wantTree(t, root(p))
	if got := remove(t, p, holder); len(got) != 0 {
		t.Errorf("removed %q the second time", got)
	}
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
			_, err := p.Install(host, job(t), []byte(ours))
			if !c.hides {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, errHides)
			if !strings.HasSuffix(err.Error(), path) {
				t.Errorf("%v does not name %s", err, path)
			}
			wantTree(t, root(p))
			put(t, admin(p), foreign) // now the home's folder counts already
			install(t, p, job(t), ours)
			wantText(t, admin(p), foreign)
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
	got, err := p.Install(host, holder, []byte(ours))
	if want := []string{p.at(etc, host, holder).path(), p.at(docker, host, holder).path()}; err != nil || !reflect.DeepEqual(got, want) {
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
			_, err := p.Install(host, holder, []byte(ours))
			wantRefused(t, err, ownfile.NoFolder)
			wantTree(t, root(p), before...)
			wantTree(t, p.Docker, host+" -rw-------")
			if earlier != "" {
				wantText(t, file(p, holder), earlier)
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
	wantText(t, filepath.Join(elsewhere, host, filepath.Base(file(p, holder))), ours)
	remove(t, p, holder)
	wantTree(t, elsewhere)

	link := func(target, name string) {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
		before := tree(t, elsewhere)
		_, err := p.Install(host, holder, []byte(ours))
		wantRefused(t, err, ownfile.Link)
		wantTree(t, elsewhere, before...)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	shared := t.TempDir()
	link(shared, filepath.Join(elsewhere, host))
	put(t, filepath.Join(elsewhere, host, "README"), "")
	link("/etc/ssl/ca.crt", filepath.Join(elsewhere, host, filepath.Base(file(p, holder))))
	wantTree(t, shared)
}

// A folder of another user, or one in which every user writes, gets no CA from us:
// whoever writes there could add one of their own.
func TestUntrustedFolders(t *testing.T) {
	for name, c := range map[string]struct {
		mode   fs.FileMode
		uid    int
		reason ownfile.Reason
	}{"another user's": {0o700, 54321, ownfile.Foreign}, "everybody's": {0o777, os.Getuid(), ownfile.Exposed}} {
		for _, folder := range []string{"certs.d", "certs.d/" + host} {
			t.Run(name+" "+folder, func(t *testing.T) {
				p, _ := home(t)
				owners := ownfile.Owners{c.uid}
				p.Trust = ownfile.Trust{Files: owners, Folders: owners}
				folder := filepath.Join(filepath.Dir(p.Search[0]), folder)
				if err := errors.Join(os.MkdirAll(folder, 0o700), os.Chmod(folder, c.mode)); err != nil {
					t.Fatal(err)
				}
				before := tree(t, root(p))
				_, err := p.Install(host, job(t), []byte(ours))
				wantRefused(t, err, c.reason)
				wantRefused(t, p.Check(host, job(t), []byte(ours)), c.reason)
				wantTree(t, root(p), before...)
			})
		}
	}
}

func TestBadRequests(t *testing.T) {
	p, _ := home(t)
	for _, bad := range []string{"", ".", "..", "../x", "a/b", `a\b`, ".quay-keyless.json", "a b", "a\x00"} {
		_, err := p.Install(bad, "/a", []byte(ours))
		var fault *Error
		if !errors.As(err, &fault) {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	wantTree(t, root(p))
}

func TestParallel(t *testing.T) {
	p, _ := home(t)
	var group sync.WaitGroup
	for i := range 20 {
		holder, pem := job(t), []byte(fmt.Sprintf("ca %d;\n", i%3))
		group.Go(func() {
			for range 5 {
				if _, err := p.Install(host, holder, pem); err != nil {
					t.Error(err)
				}
				if text, err := os.ReadFile(file(p, holder)); err != nil || !strings.HasSuffix(string(text), string(pem)) {
					t.Errorf("%q, %v, lacks %q", text, err, pem)
				}
				if _, err := p.Remove(holder, all); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, found := range tree(t, root(p)) {
		if !strings.Contains(found, " d") { // folders may stay
			t.Errorf("%s is left", found)
		}
	}
}
