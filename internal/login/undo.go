// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// rollback lists the steps that undo a login that fails later. A step's error says what
// is left, and where.
type rollback []func(context.Context) error

// undoPatience limits a rollback.
const undoPatience = 5 * time.Second

// toTheEnd returns a context for cleanup after the main work is done: ctx's deadline ends
// it, a signal does not.
func toTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	detached := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadlineCause(detached, deadline, errors.New("waited as long as this may take"))
	}
	return context.WithTimeout(detached, undoPatience)
}

// run undoes the steps, the last one first, and says so only if nothing is left. It
// ignores that ctx may have ended.
func (u rollback) run(ctx context.Context, say platform.Platform) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	left := false
	for _, undo := range slices.Backward(u) {
		if err := undo(ctx); err != nil {
			left = true
			say.Warn(platform.Message{Text: err.Error()})
		}
	}
	if len(u) > 0 && !left {
		say.Notice("removed the login again")
	}
}

// takeBack is the step for one auth file. It logs this job out, so that it keeps what
// other tools wrote since.
func takeBack(run *process.Run, file *authfile.File, keys []string) func(context.Context) error {
	return func(ctx context.Context) error {
		own := platform.Holder(run.Env.Getenv)
		outcomes, err := logoutAs(ctx, run, own, file, keys)
		if err != nil {
			return fmt.Errorf("the login may still be in %s: %w", file.Path(), err)
		}
		var stayed []string
		for _, outcome := range outcomes {
			if slices.Contains([]authfile.Result{authfile.Held, authfile.NotOurs, authfile.Unknown}, outcome.Result) {
				stayed = append(stayed, sentence(outcome, file.Path()))
			}
		}
		if len(stayed) > 0 {
			return errors.New(strings.Join(stayed, "; "))
		}
		return nil
	}
}

// leave ends the folder of an isolated login. If a variable names it, its files stay, and
// a shell gets the lines that set the variables back.
func leave(run *process.Run, folder *authfile.Folder) {
	if folder == nil {
		return
	}
	others := func(path string) {
		run.Platform.Warn(platform.Message{Text: "other tools logged in after quay-keyless: only " + path + " has these logins"})
	}
	for _, name := range []string{"config.json", "auth.json"} {
		file, err := authfile.Open(filepath.Join(folder.Path, name), run.Env.Trust)
		if err == nil && file.Isolated() != nil {
			return // its logout follows
		}
		if err == nil && file.HasLogins() {
			others(file.Path())
		}
	}
	if scopes := filepath.Join(folder.Path, "buildx", "config"); folder.Links["buildx"] == "" { // of docker/login-action
		if _, err := os.Stat(scopes); err == nil {
			others(scopes)
		}
	}
	named := slices.ContainsFunc(Place(run).Named(), func(file *authfile.File) bool { return filepath.Dir(file.Path()) == folder.Path })
	if !named {
		_ = os.Remove(filepath.Join(folder.Path, credhelper.FileName))
		folder.Remove()
	} else if lines := unset(run, folder); lines != "" && !run.Platform.Can().HandOn {
		_, _ = fmt.Fprint(run.Env.Stdout, lines)
		run.Platform.Notice(`hint: standard output has lines for the shell: eval "$(quay-keyless logout)"`)
	}
}

// unset are the lines that set the variables back in a shell.
func unset(run *process.Run, folder *authfile.Folder) string {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(folder.Before)) {
		switch was := folder.Before[name]; {
		case was == nil:
			fmt.Fprintf(&lines, "unset %s\n", name)
		case *was != "":
			fmt.Fprintf(&lines, "export %s=%s\n", name, platform.Quote(*was))
		case run.Env.Getenv(platform.Saved(name)) != "":
			fmt.Fprintf(&lines, "export %s=\"$%s\"\nunset %[2]s\n", name, platform.Saved(name))
		}
	}
	return lines.String()
}
