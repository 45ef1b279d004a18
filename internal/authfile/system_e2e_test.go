// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package authfile

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// inside runs the rest of a test in a process of its own with these
// attributes, and reports whether this is that process.
func inside(t *testing.T, attributes *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv("AUTHFILE_INSIDE") == t.Name() {
		return true
	}
	// Not by its path: another user may not walk there.
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	if attributes.Credential == nil { // who may write there: what it covers counts too
		command.Args = append(command.Args, "-test.gocoverdir="+flag.Lookup("test.gocoverdir").Value.String())
	}
	command.Dir = "/"
	command.Env = append(os.Environ(), "AUTHFILE_INSIDE="+t.Name(), quickExit)
	command.SysProcAttr = attributes
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("in a process with %+v: %v\n%s", *attributes, err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("the test did not run:\n%s", out)
	}
	return false
}

// withMounts runs the rest of a test where its mounts are seen by nobody else.
// Without root it needs user namespaces.
func withMounts(t *testing.T) bool {
	t.Helper()
	attributes := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attributes.Cloneflags = syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return inside(t, attributes)
}

// unprivileged runs the rest of a test as a user whom permissions bind.
func unprivileged(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return true
	}
	const nobody = 65534
	return inside(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}})
}

func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		t.Fatalf("mounting %s on %s: %v", source, target, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", target, err)
		}
	})
}

// bindReadOnly mounts a file or folder on itself, read-only.
func bindReadOnly(t *testing.T, path string) {
	t.Helper()
	mount(t, path, path, "", syscall.MS_BIND, "")
	if err := syscall.Mount("", path, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

func TestE2EBindMountedFile(t *testing.T) {
	if !withMounts(t) {
		return
	}
	for name, text := range map[string]string{"small": before, "large": largeFile()} {
		t.Run(name, func(t *testing.T) {
			f := tempFile(t, text)
			source := filepath.Join(t.TempDir(), "source")
			write(t, source, text)
			if err := os.Chmod(source, 0o644); err != nil {
				t.Fatal(err)
			}
			mount(t, source, f.Path(), "", syscall.MS_BIND, "")
			if err := f.Check(); err != nil {
				t.Fatal(err)
			}
			stop := neverEmpty(t, source)
			defer stop()
			for range 3 {
				if change := mustSet(t, f, login(host, "1")); !change.InPlace {
					t.Fatal("nothing is said about the write in place")
				}
				if !strings.Contains(read(t, source), `"YWNtZStjaTox"`) {
					t.Fatal("the login is not in the mounted file")
				}
				if _, change, err := f.Restore(t.Context()); err != nil || !change.InPlace {
					t.Fatalf("%+v, %v", change, err)
				}
				if got := read(t, source); got != text {
					t.Fatalf("the mounted file holds %q", short(got))
				}
			}
			if got := mode(t, source); got != 0o644 {
				t.Errorf("its mode is %o", got)
			}
			wantNothingElse(t, f)
		})
	}
}

// neverEmpty looks at a file's size again and again.
func neverEmpty(t *testing.T, path string) (stop func()) {
	t.Helper()
	full, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
			}
			if info, err := os.Stat(path); err != nil || info.Size() < full.Size() {
				t.Errorf("the file was once too short: %d bytes, %v", info.Size(), err)
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

func TestE2EReadOnlyFileSystem(t *testing.T) {
	if !withMounts(t) {
		return
	}
	f := tempFile(t, before)
	fresh := open(t, filepath.Join(f.dir(), "new.json"))
	below := open(t, filepath.Join(f.dir(), "sub", "config.json"))
	bindReadOnly(t, f.dir())
	for f, want := range map[*File]Reason{f: FolderReadOnly, fresh: FolderReadOnly, below: FolderUncreatable} {
		wantReason(t, f, f.Check(), want)
		_, err := f.Set(t.Context(), login(host, "1"))
		wantReason(t, f, err, want)
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%v is not EROFS", err)
		}
	}
	wantText(t, f, before)
	wantNothingElse(t, f)
}

func TestE2EReadOnlyMountedFile(t *testing.T) {
	if !withMounts(t) {
		return
	}
	f := tempFile(t, before)
	bindReadOnly(t, f.Path())
	wantReason(t, f, f.Check(), ReadOnly)
	_, err := f.Set(t.Context(), login(host, "1"))
	wantReason(t, f, err, ReadOnly)
	wantText(t, f, before)
	wantNothingElse(t, f)
}

// Some network file systems have no locks. A login works there, and says so.
func TestE2EFileSystemWithoutLocks(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range []string{"ENOLCK", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EIO"} {
		f := tempFile(t, before)
		command := role(t, "login", f, "AUTHFILE_KEY="+host)
		command.Args = append([]string{strace, "-f", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:error=" + number}, command.Args...)
		command.Path = strace
		if out, err := command.CombinedOutput(); err != nil || string(out) != "there are no locks\n" {
			t.Errorf("%s: %v, said %q", number, err, out)
		}
		mustRestore(t, f, nil, host+": restored")
		wantText(t, f, before)
		wantNothingElse(t, f)
	}
}
