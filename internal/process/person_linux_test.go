// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"quay-keyless/internal/idtoken"
)

// open keeps the program's ends of the terminals. The read of a question that was called
// off ends when the person's end is closed, and must not find another test's terminal
// under its number.
var open sync.Map

// terminal makes a terminal: what a person types goes into person, and what he
// sees comes out of it.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	open.Store(program, true)
	return person, program
}

// asked is told about the question.
type asked func(string)

func (a asked) Write(text []byte) (int, error) {
	a(string(text))
	return len(text), nil
}

// echoes reports whether a terminal shows what is typed.
func echoes(t *testing.T, terminal *os.File) bool {
	settings, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Error(err)
		return false
	}
	return settings.Lflag&unix.ECHO != 0
}

func TestPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	person, program := terminal(t)
	question := make(chan struct{})
	env := Env{Stdin: program, Stderr: asked(func(text string) {
		if text == "password of ci�[2J : " {
			close(question)
		}
	})}
	var typing sync.WaitGroup
	typing.Go(func() {
		<-question
		for echoes(t, program) {
			runtime.Gosched()
		}
		if _, err := io.WriteString(person, "PASSWORD\n"); err != nil {
			t.Error(err)
		}
	})
	secret, err := Ask(t.Context(), env, "password of ci\x1b[2J\n: ")
	typing.Wait()
	if err != nil || secret.Reveal() != "PASSWORD" {
		t.Fatalf("got %q, %v", secret.Reveal(), err)
	}
	// Echo is on again: what is typed now is seen, and what was typed then is not.
	if _, err := io.WriteString(person, "visible\n"); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	for buffer := make([]byte, 64); !strings.Contains(seen.String(), "visible"); {
		n, err := person.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		seen.Write(buffer[:n])
	}
	if strings.Contains(seen.String(), "PASSWORD") {
		t.Errorf("the terminal shows %q", seen.String())
	}
}

func TestInterruptedQuestionLeavesTheTerminalAsItWas(t *testing.T) {
	t.Parallel()
	_, program := terminal(t)
	before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	env := Env{Stdin: program, Stderr: asked(func(string) { cancel(cause) })}
	if _, err := Ask(ctx, env, "password: "); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	after, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("settings %+v, were %+v (%v)", after, before, err)
	}
}

func TestNoTerminalIsSaid(t *testing.T) {
	t.Parallel()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, stdin := range []io.Reader{file, strings.NewReader("PASSWORD\n")} {
		var missing *idtoken.Error
		if _, err := Ask(t.Context(), Env{Stdin: stdin, Stderr: io.Discard}, "password: "); !errors.As(err, &missing) || !errors.Is(err, errNoTerminal) {
			t.Errorf("error %v", err)
		}
	}
}

func TestBrowserGetsNoSecrets(t *testing.T) {
	t.Parallel()
	kept := harmless([]string{"PATH=/bin", "OIDC_PASSWORD=x", "DISPLAY=:0", "XDG_RUNTIME_DIR=/run", "QUAY_ID_TOKEN=x", "AWS_SECRET=x"})
	if strings.Join(kept, " ") != "PATH=/bin DISPLAY=:0 XDG_RUNTIME_DIR=/run" {
		t.Errorf("kept %q", kept)
	}
}

// The browser gets the address, and of the environment no more than it needs.
func TestBrowse(t *testing.T) {
	folder := t.TempDir()
	said := filepath.Join(folder, "said")
	if err := unix.Mkfifo(said, 0o600); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$1 $DISPLAY $QUAY_ID_TOKEN\" >\"$XDG_SAID\"\n"
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	environment := []string{"DISPLAY=:7", "QUAY_ID_TOKEN=ID-TOKEN", "XDG_SAID=" + said}
	getenv := func(name string) string { return map[string]string{"DISPLAY": ":7"}[name] }

	browse(getenv, environment)(t.Context(), "https://login.example.com/")
	if got, err := os.ReadFile(said); string(got) != "https://login.example.com/ :7 \n" { // waits for it
		t.Errorf("the browser was given %q (%v)", got, err)
	}
	browse(func(string) string { return "" }, environment)(t.Context(), "https://login.example.com/") // no desktop, no browser
}

// Ctrl-C ends a question as the signal would: the terminal sends none meanwhile.
func TestCtrlCEndsAQuestion(t *testing.T) {
	t.Parallel()
	person, program := terminal(t)
	question := make(chan struct{})
	var once sync.Once
	env := Env{Stdin: program, Stderr: asked(func(string) { once.Do(func() { close(question) }) })}
	var typing sync.WaitGroup
	typing.Go(func() {
		<-question
		if _, err := io.WriteString(person, "PASS\x03"); err != nil {
			t.Error(err)
		}
	})
	var interrupted *Interrupted
	if _, err := Ask(t.Context(), env, "password: "); !errors.As(err, &interrupted) {
		t.Errorf("error %v", err)
	}
	typing.Wait()
	if !echoes(t, program) {
		t.Error("the terminal does not echo any more")
	}
}
