// SPDX-License-Identifier: Apache-2.0

// Release makes what a release consists of, from the commit that is checked
// out and from nothing else: two people who run it on one commit with one
// version of Go get the same bytes. docs/internals/releasing.md says how it is used.
//
//	release build  [-targets OS/CPU,...] [-repository OWNER/NAME] VERSION FOLDER    programs, SBOMs, archives, checksums.txt
//	release commit [-replace FROM=TO ...] VERSION FOLDER   the commit that carries FOLDER's programs for the action
//	release component [-replace FROM=TO ...] VERSION       the commit of the GitLab component's project
//	release bundle IMAGE@DIGEST REFERENCE                  the Tekton bundle, pushed
//	release size                                           how much of that commit GitHub's runners download
//
// It is no part of the program that is shipped.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

const usage = `usage:
  release build  [-targets OS/CPU,...] [-repository OWNER/NAME] VERSION FOLDER
  release commit [-replace FROM=TO ...] VERSION FOLDER
  release component [-replace FROM=TO ...] VERSION
  release bundle IMAGE@DIGEST REFERENCE
  release size`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run does what the arguments ask for, in the checkout that is the working
// directory. Results go to stdout.
func run(ctx context.Context, arguments []string, stdout io.Writer) error {
	if len(arguments) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	targets, repository := flags.String("targets", "", ""), flags.String("repository", "", "")
	var names replacements
	flags.Var(&names, "replace", "")
	if err := flags.Parse(arguments[1:]); err != nil {
		return fmt.Errorf("%w\n%s", err, usage)
	}
	switch command, rest := arguments[0], flags.Args(); {
	case command == "build" && len(rest) == 2:
		return build(ctx, rest[0], *repository, rest[1], *targets)
	case command == "commit" && len(rest) == 2:
		return commit(ctx, rest[0], stdout, func(s *source) (string, error) { return s.commit(ctx, rest[1], names) })
	case command == "component" && len(rest) == 1:
		return commit(ctx, rest[0], stdout, func(s *source) (string, error) { return s.component(ctx, names) })
	case command == "bundle" && len(rest) == 2:
		return pushBundle(ctx, rest[0], rest[1], stdout)
	case command == "size" && len(rest) == 0:
		return size(ctx, stdout)
	}
	return errors.New(usage)
}

// build fills an empty or missing folder with everything that a release
// publishes. The repository is the one that the programs name where they tell of the
// action, "" for none.
func build(ctx context.Context, version, repository, folder, targets string) error {
	chosen, err := chooseTargets(targets)
	if err != nil {
		return err
	}
	source, err := open(ctx, ".", version)
	if err != nil {
		return err
	}
	if source.repository = repository; repository != "" && !named.MatchString(repository) {
		return fmt.Errorf("%q is no repository: use OWNER/NAME", repository)
	}
	if err := source.clean(ctx); err != nil {
		return err
	}
	if err := emptyFolder(folder); err != nil {
		return err
	}
	for _, target := range chosen {
		built, err := source.compile(ctx, target, folder)
		if err != nil {
			return err
		}
		if err := source.writeSBOM(built, folder); err != nil {
			return err
		}
		if err := source.pack(ctx, built, folder); err != nil {
			return err
		}
	}
	return writeChecksums(folder)
}

// commit prints the id of the commit that make makes. It is in the checkout's
// object store and on no branch.
func commit(ctx context.Context, version string, stdout io.Writer, make func(*source) (string, error)) error {
	source, err := open(ctx, ".", version)
	if err != nil {
		return err
	}
	id, err := make(source)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, id)
	return err
}

// emptyFolder makes the folder; one that has something in it is an error, since
// a file of another release would be published too.
func emptyFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty: remove it first", folder)
	}
	return err
}

// replacements are names that only a release knows, such as the repository's
// own, in the order in which they are looked for.
type replacements []struct{ from, to string }

func (r *replacements) String() string { return "" }

// Set adds FROM=TO.
func (r *replacements) Set(text string) error {
	from, to, ok := strings.Cut(text, "=")
	if !ok || from == "" || to == "" {
		return fmt.Errorf("%q is not FROM=TO", text)
	}
	*r = append(*r, struct{ from, to string }{from, to})
	return nil
}
