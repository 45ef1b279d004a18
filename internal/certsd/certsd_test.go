// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

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
