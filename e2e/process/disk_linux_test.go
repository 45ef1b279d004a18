// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// withMounts runs the rest of a test in a process whose mounts nobody else sees.
// Without root it needs user namespaces.
func withMounts(t *testing.T) bool {
	t.Helper()
	const inside = "PROCESS_TEST_INSIDE"
	if os.Getenv(inside) == t.Name() {
		return true
	}
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), inside+"="+t.Name())
	command.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

// rooms is how many free blocks a command finds, from none to enough for a login.
const rooms = 8

// TestFullDisk gives a command a home with little room or none. It succeeds, or says
// that the disk is full and leaves the auth file as it was, with nothing beside it; with
// room again the next login and logout work.
func TestFullDisk(t *testing.T) {
	commands := map[string]killed{
		"login":             {text: before, login: login, command: login},
		"first login":       {login: login, command: login},
		"logout":            {text: before, login: login, command: logout},
		"login by helper":   {text: before, login: helper, command: helper},
		"logout by helper":  {text: before, login: helper, command: logout},
		"token into a file": {text: before, login: login, command: []string{"token", "--output-file", "token"}},
	}
	if !withMounts(t) {
		return
	}
	j := newJob(t)
	for name, k := range commands {
		for room := range rooms {
			t.Run(fmt.Sprintf("%s/%d", name, room), func(t *testing.T) { k.onFullDisk(t, j, room) })
		}
	}
}

func (k killed) onFullDisk(t *testing.T, j job, room int) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	h := j.homeIn(t, disk, k.text)
	if k.command[0] == "logout" {
		h.command(nil, k.login...).Must(t)
		h.age(t)
	}
	text := h.contents(t)
	filler := fill(t, disk, room)
	outcome := h.command(nil, k.command...).Run(t)
	now := h.contents(t)
	if none, enough := room == 0, room == rooms-1; none && outcome.Exit == 0 || enough && outcome.Exit != 0 {
		t.Errorf("exit code %d", outcome.Exit)
	}
	switch outcome.Exit {
	case 0:
		if k.command[0] != "token" && now == text {
			t.Errorf("nothing happened\n%s", outcome.Log())
		}
	case 1:
		if !strings.Contains(outcome.Stderr, "no space left on device") || strings.Contains(outcome.Stderr, "logged in") {
			t.Errorf("it said %q", outcome.Stderr)
		}
		if now != text {
			t.Errorf("the auth file is now\n%s\nand was\n%s", now, text)
		}
	default:
		t.Errorf("exit code %d\n%s", outcome.Exit, outcome.Log())
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if outcome.Exit != 0 && k.command[0] != "logout" {
		h.expectNothingElse(t)
	}
	h.command(nil, k.login...).Must(t)
	h.command(nil, "logout").Must(t)
	h.asBefore(t)
	h.expectNothingElse(t)
}

// contents is the auth file's text, "" where there is none or no login was ever in it.
func (h home) contents(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(h.config())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// fill leaves so many free blocks on a disk.
func fill(t *testing.T, disk string, blocks int) (filler string) {
	t.Helper()
	const block = 4096
	filler = filepath.Join(disk, "filler")
	file, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size := int64(0)
	for {
		n, err := file.Write(make([]byte, block))
		size += int64(n)
		if errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Truncate(size - int64(blocks)*block); err != nil {
		t.Fatal(err)
	}
	return filler
}
