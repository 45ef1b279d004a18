// SPDX-License-Identifier: Apache-2.0

// Release makes what a release consists of, from the commit that is checked
// out and from nothing else: two people who run it on one commit with one
// version of Go get the same bytes. docs/internals/releasing.md says how it is used.
//
//	release documents VERSION FOLDER                       man pages, completions and licenses, for the archives
//	release sbom VERSION PROGRAM FILE                      the program's SBOM
//	release commit [-replace FROM=TO ...] VERSION FOLDER   the commit that carries FOLDER's programs for the action
//	release component [-replace FROM=TO ...] VERSION       the commit of the GitLab component's project
//	release bundle IMAGE@DIGEST REFERENCE                  the Tekton bundle, pushed
//
// build.sh runs the first two and goreleaser, which makes everything else.
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
  release documents VERSION FOLDER
  release sbom VERSION PROGRAM FILE
  release commit [-replace FROM=TO ...] VERSION FOLDER
  release component [-replace FROM=TO ...] VERSION
  release bundle IMAGE@DIGEST REFERENCE`

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
	var names replacements
	flags.Var(&names, "replace", "")
	if err := flags.Parse(arguments[1:]); err != nil {
		return fmt.Errorf("%w\n%s", err, usage)
	}
	switch command, rest := arguments[0], flags.Args(); {
	case command == "documents" && len(rest) == 2:
		return documents(ctx, rest[0], rest[1])
	case command == "sbom" && len(rest) == 3:
		return sbom(ctx, rest[0], rest[1], rest[2])
	case command == "commit" && len(rest) == 2:
		return commit(ctx, rest[0], stdout, func(s *source) (string, error) { return s.commit(ctx, rest[1], names) })
	case command == "component" && len(rest) == 1:
		return commit(ctx, rest[0], stdout, func(s *source) (string, error) { return s.component(ctx, names) })
	case command == "bundle" && len(rest) == 2:
		return pushBundle(ctx, rest[0], rest[1], stdout)
	}
	return errors.New(usage)
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
