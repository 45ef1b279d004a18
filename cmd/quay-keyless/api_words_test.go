// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/sandbox"
)

// apiCase is something that Quay's API, or a command that asks it, says no to,
// with what people then read: testdata/api/NAME.golden.
type apiCase struct {
	name   string
	config sandbox.Config
	fault  string
	token  string // "" is the sandbox's first one
	args   string // <quay> stands for the registry
	exit   int
	reason quay.Reason // where exit is 4 and the robot's entries tell it
}

const (
	listing = "federation list <quay> --robot acme+ci"
	adding  = "federation add <quay> --robot acme+ci --issuer https://issuer.example --subject s"
)

// oneEntry is a Quay whose robot acme+ci has one entry without audiences.
func oneEntry() sandbox.Config {
	return sandbox.Config{Robots: []sandbox.Robot{{Name: "acme+ci", Federation: []sandbox.Entry{{Issuer: "https://issuer.example", Subject: "old"}}}}}
}

func withConfig(change func(*sandbox.Config)) sandbox.Config {
	config := oneEntry()
	change(&config)
	return config
}

func apiCases() []apiCase {
	return []apiCase{
		{name: "unknown-token", token: "WRONG", args: listing, exit: 4, reason: quay.BadAPIToken},
		{name: "unknown-token-on-a-write", token: "WRONG", fault: "api=200,times=1,content-type=application/json,body=[]", args: adding, exit: 4, reason: quay.BadAPIToken},
		{name: "not-allowed", config: withConfig(func(c *sandbox.Config) {
			c.Robots = append(c.Robots, sandbox.Robot{Name: "other+ci"})
			c.APITokens = []sandbox.APIToken{{User: "admin", Organizations: []string{"acme"}, Scopes: []string{"org:admin"}}}
		}), args: "federation list <quay> --robot other+ci", exit: 4, reason: quay.NotAllowed},
		{name: "no-such-organization", args: "federation list <quay> --robot other+ci", exit: 4, reason: quay.NoOwner},
		{name: "another-person", config: withConfig(func(c *sandbox.Config) { c.Users = []string{"alice"} }),
			args: "federation list <quay> --robot alice+laptop", exit: 4, reason: quay.NotOwner},
		{name: "no-such-robot", args: "federation list <quay> --robot acme+nobody", exit: 4, reason: quay.NoSuchRobot},
		{name: "before-3.13", config: withConfig(func(c *sandbox.Config) { c.Release = "3.12" }), args: listing, exit: 4, reason: quay.NoAPI},
		{name: "no-quay", fault: "api=404", args: listing, exit: 4, reason: quay.NoAPI},
		{name: "read-only", config: withConfig(func(c *sandbox.Config) { c.ReadOnly = true }), args: adding, exit: 4, reason: quay.ReadOnly},
		{name: "other-words", fault: `api=400,content-type=application/json,body={"message":"the moon is not full"}`, args: listing, exit: 4, reason: quay.Unrecognized},
		{name: "a-page-in-front", fault: "api=403", args: listing, exit: 4, reason: quay.Unrecognized},
		{name: "a-redirect", fault: "api=redirect,location=https://sso.example/start?x=1", args: listing, exit: 4, reason: quay.Unrecognized},
		{name: "a-sign-in-page", fault: "api=html", args: listing, exit: 1},
		{name: "ill", fault: "api=503", args: listing, exit: 5},
		{name: "no-api-token", token: " ", args: listing, exit: 2},
		{name: "audiences-would-be-lost", config: withConfig(func(c *sandbox.Config) { c.Robots[0].Federation[0].Audiences = []string{"prod"} }), args: adding, exit: 1},
		{name: "audience-not-stored", args: adding + " --audience prod", exit: 1},
		{name: "audience-given-to-another", config: withConfig(func(c *sandbox.Config) { c.Release = "next" }), args: adding},
		{name: "robots-disallowed", config: withConfig(func(c *sandbox.Config) { c.RobotsDisallow = true }),
			args: "setup <quay> --robot acme+new --grant app=write --create-repositories --issuer https://issuer.example --subject s", exit: 4, reason: quay.RobotsDisabled},
		{name: "no-repository", args: "setup <quay> --robot acme+ci --grant app=write --issuer https://issuer.example --subject s", exit: 4},
		{name: "small-scope", config: withConfig(func(c *sandbox.Config) {
			c.APITokens = []sandbox.APIToken{{User: "admin", Organizations: []string{"acme"}, Scopes: []string{"org:admin"}}}
		}), args: "setup <quay> --robot acme+new --grant app=write --issuer https://issuer.example --subject s", exit: 4},
		{name: "form-assumed", args: "federation add <quay> --robot acme+ci --github acme/app --ref main"},
	}
}

var (
	apiMasks = regexp.MustCompile(`(?m)^::add-mask::.*\n`)
	apiWaits = regexp.MustCompile(`in \d+(\.\d+)?m?s `)
)

// start gives the case's Quay.
func (c apiCase) start(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	config := c.config
	if config.Robots == nil {
		config = oneEntry()
	}
	sb := startSandbox(t, config)
	if c.fault != "" {
		fault, err := sandbox.ParseFault(c.fault)
		if err != nil {
			t.Fatal(err)
		}
		sb.Fault(fault)
	}
	return sb
}

// words are what the program says, and its exit code.
func (c apiCase) words(t *testing.T, sb *sandbox.Sandbox, more ...string) (string, int) {
	t.Helper()
	token := c.token
	if token == "" {
		token = sb.APIToken()
	}
	variables := map[string]string{"QUAY_API_TOKEN": token, "QUAY_CA_CERTIFICATE": string(sb.CA)}
	for _, name := range more {
		variables[name] = "true"
	}
	code, stdout, stderr := run(t, cli.Main, inProcess(variables, strings.Fields(strings.ReplaceAll(c.args, "<quay>", sb.Host))...))
	said := apiMasks.ReplaceAllString(stdout+stderr, "")
	if holdsSecret(said) || strings.Contains(said, "WRONG") {
		t.Errorf("it said a secret: %s", said)
	}
	said = apiWaits.ReplaceAllString(said, "in <wait> ")
	return strings.ReplaceAll(said, sb.Host, "<quay>"), code
}

func TestWhatPeopleReadOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, c := range apiCases() {
		t.Run(c.name, func(t *testing.T) {
			sb := c.start(t)
			said, code := c.words(t, sb)
			if code != c.exit {
				t.Errorf("exit code %d, want %d", code, c.exit)
			}
			onGitHub, _ := c.words(t, c.start(t), "GITHUB_ACTIONS")
			text := "$ quay-keyless " + c.args + "\n" + said + "---- on GitHub:\n" + onGitHub
			file := filepath.Join("..", "..", "testdata", "api", c.name+".golden")
			if *update {
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(file); err != nil || string(want) != text {
				t.Errorf("%v; it says\n%s\nnot\n%s", err, text, want)
			}
		})
	}
}

// TestReasonsOfTheAPI asks by the package, which tells what it read off a
// refusal. A write is asked where only that is refused.
func TestReasonsOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, c := range apiCases() {
		if c.exit != 4 || !strings.HasPrefix(c.args, "federation") {
			continue
		}
		sb := c.start(t)
		registry, err := quay.ParseRegistry(sb.Host)
		if err != nil {
			t.Fatal(err)
		}
		robot, err := quay.ParseRobot(strings.Fields(c.args)[4])
		if err != nil {
			t.Fatal(err)
		}
		token := c.token
		if token == "" {
			token = sb.APIToken()
		}
		transport := sb.Client().Transport.(*http.Transport)
		transport.TLSClientConfig.MinVersion = tls.VersionTLS12
		client := &quay.Client{Registry: registry, Endpoint: &endpoint.Client{Transport: transport, Clock: &impatient{}}}
		_, err = quay.NewAPI(client, idtoken.NewSecret(token)).Account(robot).EditFederation(t.Context(), func(stored quay.Entries) (quay.Entries, error) {
			return stored.With(quay.NewEntry("https://issuer.example", "s")), nil
		})
		var refusal *quay.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != c.reason {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
