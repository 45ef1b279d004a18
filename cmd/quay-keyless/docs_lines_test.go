// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quay-keyless/internal/cli"
)

// shell looks at each line of a block for a shell.
func (r *repository) shell(t *testing.T, b fenced) {
	t.Helper()
	for _, line := range b.commands() {
		r.command(t, b.String(), line)
	}
}

// command looks at one line: our program's commands and make's targets.
func (r *repository) command(t *testing.T, where, line string) {
	t.Helper()
	for _, words := range shellCommands(line) {
		var err error
		switch path.Base(words[0]) {
		case "quay-keyless":
			err = parsed(words[1:])
		case "make":
			err = r.makes(words[1:])
		default:
			continue
		}
		r.lines++
		if err != nil {
			t.Errorf("%s: %v, in\n\t%s", where, err, line)
		}
	}
}

// parsed is what the real command line says of arguments. What stands for more of
// them is left out.
func parsed(args []string) error {
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return slices.Contains([]string{"...", "…", "COMMAND", "SHELL"}, arg)
	})
	root := cli.Command(noEnv(map[string]bool{}))
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	command, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if command == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("there is no command %s", rest[0])
	}
	if err := command.ParseFlags(rest); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil && !valueLeftOut(err) {
		return err
	}
	return command.ValidateArgs(command.Flags().Args())
}

// valueLeftOut reports whether all that is wrong is a flag at the end, as pages
// name one without its value.
func valueLeftOut(err error) bool {
	var missing *pflag.ValueRequiredError
	return errors.As(err, &missing)
}

func (r *repository) makes(words []string) error {
	for _, word := range words {
		if !strings.Contains(word, "=") && !r.targets[word] {
			return fmt.Errorf("make has no target %s", word)
		}
	}
	return nil
}

// usage looks at lines that name commands, their arguments and a few words about
// them, as "login [REGISTRY] --robot ORG+NAME   what it does": each command is one,
// each flag is one of its flags, and every command is there.
func (r *repository) usage(t *testing.T, b fenced) {
	t.Helper()
	root := cli.Command(noEnv(map[string]bool{}))
	shown := map[*cobra.Command]bool{}
	for line := range strings.Lines(b.text) {
		synopsis, ok := strings.CutPrefix(line, "quay-keyless ")
		if !ok {
			continue
		}
		synopsis, _, _ = strings.Cut(strings.ReplaceAll(synopsis, "  [", " ["), "   ")
		r.lines++
		for _, name := range alternatives(synopsis) {
			command, _, err := root.Find(strings.Fields(name))
			if err != nil || command == root {
				t.Errorf("%s: there is no command %q", b, name)
				continue
			}
			shown[command], shown[command.Parent()] = true, true
			for _, flag := range matches(synopsis, `--([a-z-]+)`) {
				if command.Flags().Lookup(flag) == nil {
					t.Errorf("%s: %s has no flag --%s", b, command.CommandPath(), flag)
				}
			}
		}
	}
	for _, command := range everyCommand(root) {
		if !shown[command] && command != root && command.Name() != "version" && command.Name() != "help" {
			t.Errorf("%s: %s is not there", b, command.CommandPath())
		}
	}
}

// alternatives are the commands of a synopsis: "federation list|add [REGISTRY]"
// are two.
func alternatives(synopsis string) []string {
	words := regexp.MustCompile(`^[a-z-]+(?: [a-z]+(?:\|[a-z]+)*)?`).FindString(synopsis)
	parent, choices, several := strings.Cut(words, " ")
	if !several {
		return []string{parent}
	}
	var list []string
	for choice := range strings.SplitSeq(choices, "|") {
		list = append(list, parent+" "+choice)
	}
	return list
}

// said looks at what the program itself tells people to type: in its help, and in
// the hints of all that contract cases show.
func (r *repository) said(t *testing.T) {
	t.Helper()
	for _, command := range everyCommand(cli.Command(noEnv(map[string]bool{}))) {
		for line := range strings.Lines(command.Example) {
			r.command(t, command.CommandPath()+" --help", strings.TrimSpace(line))
		}
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "*", "*.golden"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range append(files, filepath.Join("..", "..", "internal", "explain", "testdata", "reasons.golden")) {
		r.hints(t, file, readAll(t, file))
	}
}

// pastedHint is a command to paste, alone on its line.
var pastedHint = regexp.MustCompile(`(?m)^ +(?:More: )?(quay-keyless .*)$`)

// placeholder is what golden files have for a name.
var placeholder = regexp.MustCompile(`<[a-z ]+>`)

// hints looks at the commands in hints.
func (r *repository) hints(t *testing.T, where, text string) {
	t.Helper()
	text = regexp.MustCompile(` \\\n +`).ReplaceAllString(text, " ")
	for _, command := range matches(text, pastedHint.String()) {
		r.command(t, where, placeholder.ReplaceAllString(command, "X"))
	}
}
