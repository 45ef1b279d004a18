// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

var crashes = map[string]struct {
	foreign bool
	crash   func(t *testing.T, p Places, holder string)
}{
	"install, after the state": {crash: func(t *testing.T, p Places, _ string) {
		if err := os.RemoveAll(filepath.Dir(file(p))); err != nil {
			t.Fatal(err)
		}
	}},
	"install over another, after the state": {foreign: true, crash: func(t *testing.T, p Places, _ string) { put(t, file(p), foreign) }},
	"another job's install, after the state": {foreign: true, crash: func(t *testing.T, p Places, _ string) {
		text, err := os.ReadFile(file(p))
		if err != nil {
			t.Fatal(err)
		}
		killed := job(t)
		install(t, p, killed, other)
		put(t, file(p), string(text))
		if err := os.Remove(killed); err != nil {
			t.Fatal(err)
		}
	}},
	"install, within a file": {crash: func(t *testing.T, p Places, _ string) {
		put(t, filepath.Join(filepath.Dir(file(p)), temporary+"123"), "half")
		put(t, filepath.Join(p.Search[0], temporary+"456"), "half")
	}},
	"removal, after the state":              {crash: leaveAfterState},
	"removal over another, after the state": {foreign: true, crash: leaveAfterState},
	"removal, after the file": {crash: func(t *testing.T, p Places, holder string) {
		leaveAfterState(t, p, holder)
		if err := os.Remove(file(p)); err != nil {
			t.Fatal(err)
		}
	}},
}

// TestCrash puts the disk into the state that a process leaves that dies
// between two of its steps; the next removal leads back.
func TestCrash(t *testing.T) {
	for name, c := range crashes {
		t.Run(name, func(t *testing.T) {
			p, _ := home(t)
			if c.foreign {
				put(t, file(p), foreign)
			}
			before, holder := tree(t, root(p)), job(t)
			install(t, p, holder, ours)
			c.crash(t, p, holder)
			if c.foreign {
				if err := os.Chmod(file(p), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			remove(t, p, job(t)) // another job's logout clears up after a removal
			remove(t, p, holder)
			wantTree(t, root(p), before...)
			if c.foreign {
				wantText(t, file(p), foreign)
			}
		})
	}
}

// leaveAfterState is the first half of a removal.
func leaveAfterState(t *testing.T, p Places, holder string) {
	t.Helper()
	o, err := folder(p.Search[0]).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	delete(o.state.Hosts[host].Holders, holder)
	if err := o.save(); err != nil {
		t.Fatal(err)
	}
	o.close()
}

func TestLocked(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	install(t, p, holder, ours)
	held, err := lockedfile.OpenFile(folder(p.Search[0]).lockPath(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	_, err = p.Remove(ctx, holder)
	wantReason(t, err, Locked)
	_, err = p.Install(ctx, host, holder, []byte(other))
	wantReason(t, err, Locked)
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	wantText(t, file(p), ours)
	remove(t, p, holder)
	wantTree(t, root(p))
}

// A state that is damaged, or holds what only a later version knows, is said, and nothing is changed.
func TestBadState(t *testing.T) {
	for _, text := range []string{"", "{", `{"version":2}`, `{"version":1,"hosts":{"../x":{}}}`, `{"version":1,"hosts":{"x":null}}`,
		`{"version":1,"hosts":{},"later":true}`, `{"version":1,"hosts":{"x":{"wrote":[],"later":1}}}`} {
		p, _ := home(t)
		holder := job(t)
		install(t, p, holder, ours)
		put(t, folder(p.Search[0]).statePath(), text)
		_, err := p.Remove(t.Context(), holder)
		wantReason(t, err, BadState)
		_, err = p.Install(t.Context(), host, holder, []byte(other))
		wantReason(t, err, BadState)
		wantText(t, file(p), ours)
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(`{"version":1,"made":["/a"],"hosts":{"quay.example":{"wrote":["00"],"holders":{"/a":"eA=="}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseState(text)
		if err != nil {
			wantReason(t, err, BadState)
			return
		}
		for _, name := range s.hosts() {
			if filepath.Dir(folder("/certs.d").host(name)) != "/certs.d" {
				t.Errorf("%q leads out", name)
			}
			s.Hosts[name].text()
		}
	})
}
