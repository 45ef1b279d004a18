// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/process"
)

// commandLine is the program's, with nothing around it.
func commandLine() *cobra.Command {
	root := cli.Command(process.Env{Getenv: func(string) string { return "" }, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard})
	root.DisableAutoGenTag = true // it has the day of the build
	return root
}

// manual makes a man page of each command's help, by path.
func manual(s *source) (map[string][]byte, error) {
	pages := map[string][]byte{}
	var add func(*cobra.Command) error
	add = func(command *cobra.Command) error {
		name := strings.ReplaceAll(command.CommandPath(), " ", "-")
		header := &doc.GenManHeader{Title: strings.ToUpper(name), Section: "1", Date: &s.time, Source: "quay-keyless " + s.version, Manual: "User Commands"}
		var page bytes.Buffer
		if err := doc.GenMan(command, header, &page); err != nil {
			return err
		}
		pages["unix/share/man/man1/"+name+".1"] = page.Bytes()
		for _, sub := range command.Commands() {
			if !sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
				continue
			}
			if err := add(sub); err != nil {
				return err
			}
		}
		return nil
	}
	return pages, add(commandLine())
}

// completions makes the scripts by which shells complete the command line, each where
// the shell looks for it.
func completions() (map[string][]byte, error) {
	root := commandLine()
	scripts := map[string][]byte{}
	for path, generate := range map[string]func(io.Writer) error{
		"unix/share/bash-completion/completions/quay-keyless":    func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"unix/share/zsh/site-functions/_quay-keyless":            root.GenZshCompletion,
		"unix/share/fish/vendor_completions.d/quay-keyless.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"windows/quay-keyless.ps1":                               root.GenPowerShellCompletionWithDesc,
	} {
		var script bytes.Buffer
		if err := generate(&script); err != nil {
			return nil, err
		}
		scripts[path] = script.Bytes()
	}
	return scripts, nil
}
