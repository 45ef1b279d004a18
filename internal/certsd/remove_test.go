// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"quay-keyless/internal/wholefile"
)

// Other files in the host's folder are never touched, whatever they hold, and the
// folder is as it was after the last logout.
func TestOtherFilesStay(t *testing.T) {
	for name, text := range map[string]string{"a certificate": foreign, "the same one": ours, "no bytes": "", "no PEM": "\x00\n"} {
		t.Run(name, func(t *testing.T) {
			p, _ := home(t)
			put(t, admin(p), text)
			put(t, filepath.Join(filepath.Dir(admin(p)), "client.key"), "key")
			before := tree(t, root(p))
			first, second := job(t), job(t)
			for range 2 {
				install(t, p, first, ours)
			}
			install(t, p, second, other)
			wantText(t, file(p, first), ours)
			wantText(t, file(p, second), other)
			wantText(t, admin(p), text)
			remove(t, p, first)
			remove(t, p, second)
			wantText(t, admin(p), text)
			wantTree(t, root(p), before...)
		})
	}
}

// Each of two jobs has its own CA until its own logout, in either order.
func TestTwoJobs(t *testing.T) {
	for name, second := range map[string]string{"one CA": ours, "two CAs": other} {
		t.Run(name, func(t *testing.T) {
			p, _ := home(t)
			a, b := job(t), job(t)
			install(t, p, a, ours)
			install(t, p, b, second)
			if got := remove(t, p, a); fmt.Sprint(got) != fmt.Sprint([]string{file(p, a)}) {
				t.Errorf("removed %q", got)
			}
			wantText(t, file(p, b), second)
			remove(t, p, b)
			wantTree(t, root(p))
		})
	}
}

// A job that was killed never logs out; the runner clears its folder, and a logout
// after a day removes the CA, whatever the job was writing.
func TestJobThatNeverLogsOut(t *testing.T) {
	p, _ := home(t)
	killed, next := job(t), job(t)
	install(t, p, killed, ours)
	yesterday := time.Now().Add(-longestJob)
	if err := os.Chtimes(file(p, killed), yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(p.Search[0], host, begun+"123"), "half")
	if err := os.Remove(killed); err != nil {
		t.Fatal(err)
	}
	install(t, p, next, ours)
	remove(t, p, next)
	p.Sweep(all)
	wantTree(t, root(p))
}

// Containers can share a home, and each has its own /tmp: an auth file that cannot be seen
// may be that of a job at work, which keeps its CA.
func TestJobInAnotherContainer(t *testing.T) {
	p, _ := home(t)
	far, near := job(t), job(t)
	install(t, p, far, ours)
	install(t, p, near, ours)
	if err := os.RemoveAll(filepath.Dir(far)); err != nil {
		t.Fatal(err)
	}
	remove(t, p, near)
	wantText(t, file(p, far), ours)
	remove(t, p, far)
	wantTree(t, root(p))
}

// A login at work has begun its certificate when another one logs out: the folders go with
// the last one.
func TestLogoutBesideALoginAtWork(t *testing.T) {
	p, _ := home(t)
	first, second := job(t), p.at(p.Search[0], host, job(t))
	install(t, p, first, ours)
	install(t, p, second.authFile, ours)
	text, err := os.ReadFile(second.path())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = second.remove()
	begun, failed := wholefile.Create(second.path(), begun)
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	remove(t, p, first)
	if err := begun.Commit(text, 0o644); err != nil {
		t.Fatal(err)
	}
	remove(t, p, second.authFile)
	wantTree(t, root(p))
}

// What another tool puts into the folder while a login is there stays, and so does
// the folder.
func TestAnotherToolInOurFolder(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	install(t, p, holder, ours)
	put(t, admin(p), foreign)
	remove(t, p, holder)
	wantText(t, admin(p), foreign)
	wantTree(t, p.Search[0], host+" drwx------", host+"/ca.crt -rw-------")
}

// Who finds something else in the place of the certificate leaves it alone.
func TestRemoveLeavesWhatIsNotOurs(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	install(t, p, holder, ours)
	if err := errors.Join(os.Remove(file(p, holder)), os.Symlink("/etc/passwd", file(p, holder))); err != nil {
		t.Fatal(err)
	}
	if got := remove(t, p, holder); len(got) != 0 {
		t.Errorf("removed %q", got)
	}
	if _, err := os.Lstat(file(p, holder)); err != nil {
		t.Error(err)
	}
}

func TestRemoveOneHost(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	install(t, p, holder, ours)
	if _, err := p.Install("b.example", holder, []byte(other)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(p.Search[0], "README"), "")
	if _, err := p.Remove(holder, func(host string) bool { return host == "b.example" || host == "README" }); err != nil {
		t.Fatal(err)
	}
	wantText(t, file(p, holder), ours)
	if _, err := os.Stat(filepath.Join(p.Search[0], "b.example")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("b.example: %v", err)
	}
	if err := os.Remove(filepath.Join(p.Search[0], "README")); err != nil {
		t.Fatal(err)
	}
	remove(t, p, holder)
	wantTree(t, root(p))
}

// A login for two registries that made all the folders removes them all.
func TestSeveralHosts(t *testing.T) {
	p, _ := home(t)
	holder := job(t)
	for _, host := range []string{"a.example", "b.example", "c.example"} {
		if _, err := p.Install(host, holder, []byte(ours)); err != nil {
			t.Fatal(err)
		}
	}
	if got := remove(t, p, holder); len(got) != 3 {
		t.Errorf("removed %q", got)
	}
	wantTree(t, root(p))
}
