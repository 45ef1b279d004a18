// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"quay-keyless/internal/sandbox"
)

const usage = `Quay and the CI platforms in one local process, to try quay-keyless on.

  quay-sandbox [FLAGS]         serve until interrupted; the settings for another
                               terminal go to stdout as export lines
  quay-sandbox demo PROGRAM    show quay-keyless (PROGRAM) at work, from login to logout

Flags:
`

// run is the command line: 0 done, 1 an error, 2 usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "demo" {
		if len(args) != 2 {
			fmt.Fprint(stderr, "usage: quay-sandbox demo PROGRAM\n")
			return 2
		}
		return exitCode(runDemo(ctx, args[1], stdout, stderr), stderr)
	}
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // the flag set has said why
	}
	return exitCode(s.run(ctx, stdout, stderr), stderr)
}

func exitCode(err error, stderr io.Writer) int {
	if err != nil {
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 1
	}
	return 0
}

// settings are the flags of serving.
type settings struct {
	config, listen, caFile, issuerCA, release string
	faults                                    []sandbox.Fault
}

func parse(args []string, stderr io.Writer) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("quay-sandbox", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage); flags.PrintDefaults() }
	flags.StringVar(&s.config, "config", "", "YAML `file` with robots, federation entries and more")
	flags.StringVar(&s.listen, "listen", "", "`address` to serve on (default 127.0.0.1 and a free port)")
	flags.StringVar(&s.caFile, "ca-file", "", "`file` to write the sandbox's CA to (default in a new temporary folder)")
	flags.StringVar(&s.issuerCA, "issuer-ca-file", "", "PEM `file` to trust for foreign issuers, a Keycloak's for instance")
	flags.StringVar(&s.release, "release", "", "Quay `release` to imitate (default "+sandbox.DefaultRelease+")")
	flags.Func("fault", "`fault` to begin with, as in exchange=503,times=2 or ping=slow (repeatable)", func(text string) error {
		fault, err := sandbox.ParseFault(text)
		s.faults = append(s.faults, fault)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "error: unknown argument %q\n", flags.Arg(0))
		return nil, errors.New("usage")
	}
	return s, nil
}

// readConfig joins the configuration file and the flags, of which a flag wins.
func (s *settings) readConfig(log io.Writer) (sandbox.Config, error) {
	var cfg sandbox.Config
	if s.config != "" {
		text, err := os.ReadFile(s.config)
		if err != nil {
			return cfg, err
		}
		if cfg, err = sandbox.ReadConfig(text); err != nil {
			return cfg, fmt.Errorf("%s: %w", s.config, err)
		}
	}
	cfg.Listen = cmp.Or(s.listen, cfg.Listen, "127.0.0.1:0")
	cfg.Release = cmp.Or(s.release, cfg.Release)
	cfg.IssuerCAFile = cmp.Or(s.issuerCA, cfg.IssuerCAFile)
	if cfg.Robots == nil {
		cfg.Robots = sandbox.DefaultRobots()
	}
	cfg.Log = log
	return cfg, nil
}

func (s *settings) run(ctx context.Context, stdout, stderr io.Writer) error {
	cfg, err := s.readConfig(stderr)
	if err != nil {
		return err
	}
	sb, err := sandbox.New(cfg)
	if err != nil {
		return err
	}
	for _, fault := range s.faults {
		sb.Fault(fault)
	}
	if err := sb.Listen(cfg.Listen); err != nil {
		return err
	}
	defer sb.Close()
	ca, remove, err := writeCA(s.caFile, sb.CA)
	if err != nil {
		return err
	}
	defer remove()
	announce(sb, cfg.Robots, stderr)
	exports(sb, cfg.Robots, ca, stdout)
	<-ctx.Done()
	return nil
}

// writeCA writes the CA to the file, or to one in a temporary folder that
// remove deletes.
func writeCA(file string, ca []byte) (path string, remove func(), err error) {
	remove = func() {}
	if file == "" {
		folder, err := os.MkdirTemp("", "quay-sandbox-")
		if err != nil {
			return "", remove, err
		}
		remove = func() { _ = os.RemoveAll(folder) }
		file = filepath.Join(folder, "ca.pem")
	}
	if file, err = filepath.Abs(file); err == nil {
		err = os.WriteFile(file, ca, 0o644) // a certificate is public
	}
	if err != nil {
		remove()
	}
	return file, remove, err
}

func announce(sb *sandbox.Sandbox, robots []sandbox.Robot, out io.Writer) {
	fmt.Fprintf(out, "Quay (registry, exchange) and the CI platforms are at %s; without TLS at %s\n", sb.URL, sb.PlainURL)
	for _, robot := range robots {
		fmt.Fprintf(out, "robot %s: %s, permissions on %s\n", robot.Name,
			count(len(robot.Federation), "federation entry", "federation entries"), count(len(robot.Grants), "repository", "repositories"))
	}
	fmt.Fprintf(out, `ID tokens: as on GitHub by the exported variables; as on GitLab and Kubernetes by
  curl --cacert "$QUAY_CA_CERTIFICATE" '%[1]s/gitlab/token?aud=quay&project_path=acme/app&ref=main'
  curl --cacert "$QUAY_CA_CERTIFICATE" '%[1]s/kubernetes/token?aud=quay&namespace=acme&serviceaccount=pipeline'
to make it misbehave, and to stop that (-X DELETE); to move its clock:
  curl --cacert "$QUAY_CA_CERTIFICATE" --data exchange=503,times=2 %[1]s/sandbox/faults
  curl --cacert "$QUAY_CA_CERTIFICATE" -X POST '%[1]s/sandbox/clock?advance=1h'
Paste the export lines into another terminal, where this then works: quay-keyless login
QUAY_API_TOKEN among them is one for Quay's API, of a user who administers the organizations above:
  quay-keyless setup --robot acme+new --grant app=write --from-token
(or start with >sandbox.env here and say . ./sandbox.env there). Ctrl-C ends it.
`, sb.URL)
}

// count is a number of things, with the word for them.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// exports prints what a shell needs to be a job on GitHub. GITHUB_ACTIONS is
// not part of it: in a terminal the words should be a terminal's.
func exports(sb *sandbox.Sandbox, robots []sandbox.Robot, ca string, out io.Writer) {
	job := sb.GitHubEnv(sandbox.Job{})
	lines := [][2]string{{"QUAY_REGISTRY", sb.Host}, {"QUAY_CA_CERTIFICATE", ca}}
	if len(robots) > 0 {
		lines = append(lines, [2]string{"QUAY_ROBOT", robots[0].Name})
	}
	lines = append(lines, [2]string{"QUAY_API_TOKEN", sb.APIToken()})
	for _, name := range []string{requestURL, requestToken} {
		lines = append(lines, [2]string{name, job[name]})
	}
	for _, line := range lines {
		fmt.Fprintf(out, "export %s='%s'\n", line[0], strings.ReplaceAll(line[1], "'", `'\''`))
	}
}
