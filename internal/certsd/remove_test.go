// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
