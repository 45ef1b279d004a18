// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/sethvargo/go-githubactions"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/idtoken"
)

// GitHub is a step of GitHub Actions, or of what imitates it. Warnings, errors and masks
// are workflow commands, which the runner removes from the step's output
// (docs.github.com, workflow commands).
type GitHub struct {
	words
	env    Env
	action *githubactions.Action
	masks  bool     // a runner reads them
	said   sync.Map // masks and warnings, each of which is written once
}

var _ Platform = (*GitHub)(nil)

func newGitHub(env Env, words words) *GitHub {
	return &GitHub{
		words:  words,
		env:    env,
		action: githubactions.New(githubactions.WithWriter(lenient{env.Words}), githubactions.WithGetenv(env.Getenv)),
		masks:  runnerReads(env.Getenv),
	}
}

// fileCommands name files that a runner creates for each step.
var fileCommands = []string{"GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE"}

// runnerReads reports whether a GitHub runner reads this step's output. A user or
// another CI can set GITHUB_ACTIONS too, and there a mask would print its secret.
func runnerReads(getenv func(string) string) bool {
	return slices.ContainsFunc(fileCommands, func(name string) bool {
		info, err := os.Stat(getenv(name))
		return err == nil && info.Mode().IsRegular()
	})
}

// Name is github.
func (*GitHub) Name() string { return "github" }

// Can says that GitHub hands everything on.
func (*GitHub) Can() Abilities { return Abilities{HandOn: true, Tell: true, Sudo: true} }

// Mask tells the runner to show the secret as *** from now on. Without a runner it
// prints nothing.
func (g *GitHub) Mask(secret idtoken.Secret) {
	g.words.Mask(secret)
	if g.masks && !secret.Empty() && shows(secret.Reveal()) && g.first("::add-mask::"+secret.Reveal()) {
		g.action.AddMask(secret.Reveal())
	}
}

// shows reports whether a log can show the text as it is, so that a mask would find it.
func shows(text string) bool {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\r' }
	return utf8.ValidString(text) && !strings.ContainsFunc(text, hidden)
}

// Warn makes an annotation of the warning and what to do.
func (g *GitHub) Warn(m Message) {
	lines := g.annotation(m)
	steps, _ := m.steps()
	for _, step := range steps {
		lines = append(lines, g.step("", step)...)
	}
	if text := strings.Join(lines, "\n"); g.first(text) {
		g.titled().Warningf("%s", text)
	}
}

// first reports whether this was not said before.
func (g *GitHub) first(said string) bool {
	_, before := g.said.LoadOrStore(said, true)
	return !before
}

// Fail makes an annotation of what is wrong. What to do follows in the open log, and what
// to copy is in the job summary too.
func (g *GitHub) Fail(m Message) {
	g.titled().Errorf("%s", strings.Join(g.annotation(m), "\n"))
	if body := g.body(m); len(body) > 0 {
		g.lines(append(body[1:], ""))
	}
	if m.toCopy() {
		g.summarize(g.cure(m))
	}
}

func (g *GitHub) titled() *githubactions.Action {
	return g.action.WithFieldsMap(map[string]string{"title": "quay-keyless"})
}

// annotation is what is wrong, in at most two lines, which the runner reads from one
// command as %0A.
func (g *GitHub) annotation(m Message) []string {
	unwrapped := g.words
	unwrapped.screen = Screen{}
	lines := unwrapped.head("", "", m)
	for i := range lines {
		lines[i] = lines[i][1:]
	}
	return lines
}

var errLineBreak = errors.New("has a line break, which no output of a step can have")

// Ready finds file commands that this user cannot write, as in a container that runs as
// another user than the runner.
func (g *GitHub) Ready() error {
	for _, name := range []string{"GITHUB_STATE", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH"} {
		path := g.env.Getenv(name)
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() {
			var file *os.File
			if file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err == nil {
				_ = file.Close()
			}
		}
		if errors.Is(err, fs.ErrNotExist) && path != "" {
			if _, err = os.Stat(filepath.Dir(path)); err != nil {
				return &Curable{
					Text:   fmt.Sprintf("this step cannot write to %s, the runner's file for its results: there is no folder %s", name, filepath.Dir(path)),
					Reason: "no-place",
					Cures:  []string{"in a container that the step starts itself, mount that folder, or unset GITHUB_ACTIONS and write the login to a file: --authfile PATH"},
				}
			}
		}
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
			return &Curable{
				Text:   fmt.Sprintf("this step cannot write to %s, the runner's file for its results: %s: %v", name, path, errno.WithoutPath(err)),
				Reason: "no-place",
				Steps: []Step{
					{Text: "Run the job's container as the runner's user (1001 on GitHub's own runners):", Values: []Value{{"container", "{image: ..., options: --user 1001}"}}},
					{Text: "Or run it as root:", Values: []Value{{"container", "{image: ..., options: --user root}"}}},
				},
			}
		}
	}
	return nil
}

// Remember saves what the post step needs to find the logins: only names, and whose
// they are.
func (g *GitHub) Remember(result Result) error {
	if err := oneLine(result.names()); err != nil {
		return err
	}
	var registries []string
	for _, login := range result.Logins {
		registries = append(registries, login.Registry)
	}
	return g.file("GITHUB_STATE", func() {
		g.action.SaveState("authfile", strings.Join(result.AuthFiles, "\n"))
		g.action.SaveState("registry", strings.Join(registries, "\n"))
		if result.Holder != "" {
			g.action.SaveState("holder", result.Holder)
		}
	})
}

// Publish sets the step's outputs and the job's variables, and adds the job
// summary. A file command that the runner did not set up is left out, since the
// library panics there.
func (g *GitHub) Publish(_ context.Context, result Result) error {
	if err := oneLine(result.names()); err != nil {
		return err
	}
	for _, login := range result.Logins {
		if oneLine([]string{login.Token.Reveal()}) != nil {
			return fmt.Errorf("the robot token %w", errLineBreak)
		}
	}
	err := errors.Join(
		g.file("GITHUB_OUTPUT", func() { g.setOutputs(result) }),
		g.file("GITHUB_ENV", func() {
			for _, variable := range result.Exports {
				g.action.SetEnv(variable.Name, variable.Value)
			}
		}),
		g.file("GITHUB_PATH", func() {
			if result.Path != "" {
				g.action.AddPath(result.Path)
			}
		}),
	)
	if err == nil { // else the login is taken back
		g.summarize(g.success(result))
	}
	return err
}

// summarize adds Markdown to the job summary. A job without one is none the worse.
func (g *GitHub) summarize(markdown string) {
	err := g.file("GITHUB_STEP_SUMMARY", func() { g.action.AddStepSummary(markdown) })
	if err != nil {
		g.Warn(Message{Text: err.Error()})
	}
}

func (g *GitHub) setOutputs(result Result) {
	for _, output := range result.Outputs() {
		g.action.SetOutput(output.Name, output.Value)
	}
	for _, login := range result.Logins {
		if !login.Token.Empty() {
			g.action.SetOutput("token", login.Token.Reveal())
		}
	}
}

// oneLine guards the file commands: the heredoc delimiter of the library is a
// constant, so a value with a line break could add outputs of its own.
func oneLine(values []string) error {
	for _, value := range values {
		if strings.ContainsAny(value, "\r\n") {
			return fmt.Errorf("%q %w", value, errLineBreak)
		}
	}
	return nil
}

// file runs file commands, whose only way to fail is a panic.
func (g *GitHub) file(variable string, commands func()) (err error) {
	path := g.env.Getenv(variable)
	if path == "" {
		return nil
	}
	// The library would let others read a file that it creates.
	if file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = file.Close()
	}
	// The library would wait for the reader of a pipe.
	pipe, err := openPipe(path)
	if err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	if pipe != nil {
		defer func() { _ = pipe.Close() }()
	}
	defer func() {
		if failed := recover(); failed != nil {
			err = fmt.Errorf("%s: %v", variable, failed)
		}
	}()
	commands()
	return nil
}

// lenient ignores a closed log, at which the library would panic.
type lenient struct{ out io.Writer }

func (l lenient) Write(line []byte) (int, error) {
	_, _ = l.out.Write(line)
	return len(line), nil
}
