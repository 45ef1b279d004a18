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

// manual makes a man page of each command's help.
func manual(s *source) ([]file, error) {
	var pages []file
	var add func(*cobra.Command) error
	add = func(command *cobra.Command) error {
		name := strings.ReplaceAll(command.CommandPath(), " ", "-")
		header := &doc.GenManHeader{Title: strings.ToUpper(name), Section: "1", Date: &s.time, Source: "quay-keyless " + s.version, Manual: "User Commands"}
		var page bytes.Buffer
		if err := doc.GenMan(command, header, &page); err != nil {
			return err
		}
		pages = append(pages, file{path: "share/man/man1/" + name + ".1", content: page.Bytes(), mode: 0o644})
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

// completions makes the scripts by which shells complete the command line, each
// where the shell looks for it.
func completions(shells ...string) ([]file, error) {
	root := commandLine()
	places := map[string]string{
		"bash": "share/bash-completion/completions/quay-keyless", "zsh": "share/zsh/site-functions/_quay-keyless",
		"fish": "share/fish/vendor_completions.d/quay-keyless.fish", "powershell": "quay-keyless.ps1",
	}
	generate := map[string]func(io.Writer) error{
		"bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) }, "zsh": root.GenZshCompletion,
		"fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) }, "powershell": root.GenPowerShellCompletionWithDesc,
	}
	var scripts []file
	for _, shell := range shells {
		var script bytes.Buffer
		if err := generate[shell](&script); err != nil {
			return nil, err
		}
		scripts = append(scripts, file{path: places[shell], content: script.Bytes(), mode: 0o644})
	}
	return scripts, nil
}
