// SPDX-License-Identifier: Apache-2.0

package github

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"quay-keyless/e2e/act"
	"quay-keyless/e2e/lab"
)

// runner does what GitHub's runner does with one job on one machine, as far as
// an action can tell (actions/runner, NodeScriptActionHandler.cs and
// FileCommandManager.cs).
type runner struct {
	home string
	env  map[string]string // of the job
	node string
}

// newRunner makes a machine with an empty home. Its paths have spaces in them.
func newRunner(t *testing.T, job map[string]string) *runner {
	t.Helper()
	machine := filepath.Join(t.TempDir(), "a machine")
	r := &runner{home: filepath.Join(machine, "home"), node: act.Node(t)}
	if err := os.MkdirAll(r.home, 0o700); err != nil {
		t.Fatal(err)
	}
	r.env = map[string]string{"HOME": r.home, "PATH": os.Getenv("PATH"), "RUNNER_TEMP": t.TempDir(), "GITHUB_ACTION_REPOSITORY": "acme/login"}
	maps.Copy(r.env, job)
	return r
}

// config is docker's auth file in the job's home.
func (r *runner) config() string { return filepath.Join(r.home, ".docker", "config.json") }

// step is one `uses:` of the action, from a copy of it.
type step struct {
	runner *runner
	action string
	env    map[string]string // INPUT_ variables, and after main the STATE_ ones
}

// uses is a step with inputs (named as in action.yml).
func (r *runner) uses(action string, inputs map[string]string) *step {
	s := &step{runner: r, action: action, env: maps.Clone(r.env)}
	for name, value := range inputs {
		s.env["INPUT_"+strings.ToUpper(name)] = value
	}
	return s
}

// The files that action.yml names for the phases.
const (
	mainEntry = "action/index.js"
	postEntry = "action/post.js"
)

// result is what a phase left behind.
type result struct {
	lab.Outcome
	outputs map[string]string
	summary string
}

// main runs the main phase and keeps what it saved for the post phase.
func (s *step) main(t *testing.T) result {
	t.Helper()
	result, state := s.phase(t, mainEntry)
	for name, value := range state {
		s.env["STATE_"+name] = value
	}
	return result
}

// post runs the post phase, as the runner also does where main has failed.
func (s *step) post(t *testing.T) result {
	t.Helper()
	result, _ := s.phase(t, postEntry)
	return result
}

func (s *step) phase(t *testing.T, entry string) (r result, state map[string]string) {
	t.Helper()
	command, files := s.command(t, entry)
	r.Outcome = command.Run(t)
	r.outputs = fileCommands(t, lab.Read(t, files["GITHUB_OUTPUT"]))
	r.summary = lab.Read(t, files["GITHUB_STEP_SUMMARY"])
	return r, fileCommands(t, lab.Read(t, files["GITHUB_STATE"]))
}

// command is how the runner starts a phase: node with the file that action.yml
// names, and an empty file for each file command.
func (s *step) command(t *testing.T, entry string) (command lab.Command, files map[string]string) {
	t.Helper()
	files = map[string]string{}
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"} {
		files[name] = filepath.Join(t.TempDir(), "file command")
		lab.Write(t, files[name], "", 0o600)
	}
	env := maps.Clone(s.env)
	maps.Copy(env, files)
	return lab.Command{Dir: t.TempDir(), Env: env, Args: []string{s.runner.node, filepath.Join(s.action, entry)}}, files
}

// fileCommands reads NAME=VALUE and NAME<<END, the value's lines, END.
func fileCommands(t *testing.T, text string) map[string]string {
	t.Helper()
	found := map[string]string{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		name, value, ok := strings.Cut(lines[i], "=")
		if key, end, heredoc := strings.Cut(lines[i], "<<"); heredoc && !strings.Contains(key, "=") {
			var block []string
			for i++; i < len(lines) && lines[i] != end; i++ {
				block = append(block, lines[i])
			}
			name, value, ok = key, strings.Join(block, "\n"), i < len(lines)
		}
		if !ok && lines[i] != "" {
			t.Fatalf("the runner refuses the line %q of a file command", lines[i])
		}
		found[name] = value
	}
	delete(found, "")
	return found
}

// mask hides what the phase asked the runner to hide, and takes the commands
// out of the log. It fails the test where anything was said before the last of
// them.
func mask(t *testing.T, stdout string) (shown string, masks []string) {
	t.Helper()
	said := false
	for line := range strings.Lines(stdout) {
		if value, ok := strings.CutPrefix(line, "::add-mask::"); ok {
			if said {
				t.Error("something was said before a mask")
			}
			masks = append(masks, strings.TrimSpace(value))
			continue
		}
		said = true
		shown += line
	}
	for _, value := range masks {
		shown = strings.ReplaceAll(shown, value, "***")
	}
	return shown, masks
}

// annotations are the phase's workflow commands of one kind, unescaped.
func annotations(kind, stdout string) []string {
	var found []string
	unescape := strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n")
	for line := range strings.Lines(stdout) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "::"+kind+" "); ok {
			_, text, _ := strings.Cut(command, "::")
			found = append(found, unescape.Replace(text))
		}
	}
	return found
}

// release copies the action into a folder as a release commit has it: with
// this machine's binary and the list of checksums.
func release(t *testing.T) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "_actions", "acme", "login", "a ref")
	lab.Copy(t, lab.Path("action.yml"), filepath.Join(folder, "action.yml"), 0o644)
	for _, entry := range []string{mainEntry, postEntry} {
		lab.Copy(t, lab.Path(entry), filepath.Join(folder, entry), 0o644)
	}
	binary := lab.Read(t, lab.Program())
	lab.Write(t, bundled(folder), binary, 0o755)
	lab.Write(t, filepath.Join(filepath.Dir(bundled(folder)), "checksums.txt"),
		fmt.Sprintf("%s  quay-keyless-plan9-mips\n%s  %s\n", strings.Repeat("0", 64), sum(binary), filepath.Base(bundled(folder))), 0o644)
	return folder
}

// bundled is where a release has the binary for this machine.
func bundled(folder string) string {
	return filepath.Join(folder, "action", "bin", "quay-keyless-"+runtime.GOOS+"-"+runtime.GOARCH)
}
