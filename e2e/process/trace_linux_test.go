// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"quay-keyless/e2e/lab"
)

// tracer follows one program through the system calls that change files in a folder,
// and signals it when it begins one of them.
type tracer struct {
	pid    int
	folder string
	signal syscall.Signal
	at     int // the step to signal at, from 1; 0 for none
	steps  []string
}

// traced is what became of a traced program.
type traced struct {
	steps []string // in the order in which they were begun
	ended syscall.WaitStatus
	said  string
}

// trace runs a command. It sees every thread of it, by ptrace(2): strace can signal too
// (--inject), but counts the calls of each thread by themselves, and Go changes threads.
func trace(t *testing.T, command lab.Command, folder string, signal syscall.Signal, at int) traced {
	t.Helper()
	runtime.LockOSThread() // the thread is the tracer
	defer runtime.UnlockOSThread()
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	prepared := command.Start(t)
	process, err := os.StartProcess(command.Args[0], command.Args, &os.ProcAttr{
		Dir: command.Dir, Env: prepared.Env, Files: []*os.File{nil, said, said}, Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	tr := &tracer{pid: process.Pid, folder: folder, signal: signal, at: at}
	ended, err := tr.run()
	if err = errors.Join(err, process.Release()); err != nil {
		t.Fatal(err)
	}
	return traced{tr.steps, ended, lab.Read(t, said.Name())}
}

// run lets the program go on from stop to stop, to its end. It waits for the program's
// process group alone: this thread may have started other programs before, which other
// tests wait for.
func (tr *tracer) run() (ended syscall.WaitStatus, err error) {
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	for began := false; ; {
		var status unix.WaitStatus
		thread, err := unix.Wait4(-tr.pid, &status, unix.WALL|unix.WNOTHREAD, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, fmt.Errorf("wait4: %w", err)
		case status.Exited() || status.Signaled():
			if thread == tr.pid {
				return syscall.WaitStatus(status), nil
			}
			continue
		case !began: // after exec
			began = true
			if err := unix.PtraceSetOptions(thread, options); err != nil {
				return 0, fmt.Errorf("setting options: %w", err)
			}
			status = unix.WaitStatus(0x7f | int(unix.SIGTRAP)<<8)
		}
		deliver, err := tr.stopped(thread, status)
		if err == nil {
			err = unix.PtraceSyscall(thread, deliver)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) { // killed meanwhile: its end is reported next
			return 0, err
		}
	}
}

// stopped looks at why a thread stopped, and gives the signal to deliver to it.
func (tr *tracer) stopped(thread int, status unix.WaitStatus) (deliver int, err error) {
	const systemCall = unix.SIGTRAP | 0x80
	switch signal := status.StopSignal(); signal {
	case systemCall:
		return 0, tr.entered(thread)
	case unix.SIGTRAP, unix.SIGSTOP: // a new thread, on both sides
		return 0, nil
	default:
		return int(signal), nil
	}
}

// entered notes a system call that begins, and signals where its turn has come.
func (tr *tracer) entered(thread int) error {
	const getSyscallInfo, entry = 0x420e, 1
	var info struct { // struct ptrace_syscall_info
		op     uint8
		_      [3]uint8
		_      uint32
		_, _   uint64
		number uint64
		args   [6]uint64
		_      [2]uint64
	}
	_, _, failed := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if failed != 0 {
		return fmt.Errorf("ptrace(PTRACE_GET_SYSCALL_INFO): %w", failed)
	}
	if info.op != entry {
		return nil
	}
	step := tr.step(thread, info.number, info.args)
	if step == "" {
		return nil
	}
	tr.steps = append(tr.steps, step)
	if len(tr.steps) == tr.at {
		return unix.Kill(tr.pid, tr.signal)
	}
	return nil
}

// byDescriptor and byPath are the system calls that change files: by an open one, or
// by the path that is the argument of this number.
var (
	byDescriptor = map[uint64]string{
		unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite", unix.SYS_FSYNC: "fsync", unix.SYS_FTRUNCATE: "ftruncate",
		unix.SYS_FCHMOD: "fchmod", unix.SYS_FLOCK: "flock", unix.SYS_COPY_FILE_RANGE: "copy_file_range", unix.SYS_SENDFILE: "sendfile",
	}
	byPath = map[uint64]struct {
		name     string
		argument int
	}{
		unix.SYS_OPENAT: {"openat", 1}, unix.SYS_MKDIRAT: {"mkdirat", 1}, unix.SYS_UNLINKAT: {"unlinkat", 1}, unix.SYS_FCHMODAT: {"fchmodat", 1},
		unix.SYS_RENAMEAT: {"renameat", 3}, unix.SYS_RENAMEAT2: {"renameat2", 3}, unix.SYS_SYMLINKAT: {"symlinkat", 2}, unix.SYS_LINKAT: {"linkat", 3},
	}
)

// step is the call in words, "" where it changes nothing in the folder.
func (tr *tracer) step(thread int, number uint64, args [6]uint64) string {
	name, path := byDescriptor[number], ""
	if by, ok := byPath[number]; ok {
		if name = by.name; name == "openat" && args[2]&unix.O_CREAT == 0 {
			return ""
		}
		path = text(thread, args[by.argument])
	} else if name != "" {
		descriptor := args[0]
		if name == "copy_file_range" { // from, offset, to
			descriptor = args[2]
		}
		path, _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tr.pid, descriptor))
	}
	if !filepath.IsAbs(path) || !strings.HasPrefix(path, tr.folder) {
		return ""
	}
	return name + " " + strings.TrimPrefix(path, tr.folder)
}

// text is a string in the program's memory.
func text(thread int, address uint64) string {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", thread))
	if err != nil {
		return ""
	}
	defer memory.Close()
	buffer := make([]byte, unix.PathMax)
	n, _ := memory.ReadAt(buffer, int64(address)) // less before the end of its memory
	found, _, _ := bytes.Cut(buffer[:n], []byte{0})
	return string(found)
}
