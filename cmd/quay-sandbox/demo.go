// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"quay-keyless/internal/sandbox"
)

const (
	requestURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	requestToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

	robot       = "acme+ci"
	exitRefused = 4 // of quay-keyless: Quay said no
)

// demo is one showing of the program, in a folder of its own.
type demo struct {
	program        string
	folder         string
	sandbox        *sandbox.Sandbox
	stdout, stderr io.Writer
	steps          int
}

// runDemo shows the program at work: it is started as a CI job would start it,
// and what it wrote is used as container tools use it. The program's words go
// to stdout and stderr. An error says which promise was not kept.
func runDemo(ctx context.Context, program string, stdout, stderr io.Writer) error {
	program, err := exec.LookPath(program)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "quay-sandbox-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	sb, err := sandbox.New(sandbox.Config{Log: stderr})
	if err != nil {
		return err
	}
	if err := sb.Listen("127.0.0.1:0"); err != nil {
		return err
	}
	defer sb.Close()
	d := &demo{program: program, folder: folder, sandbox: sb, stdout: stdout, stderr: stderr}
	if err := os.WriteFile(d.path("ca.pem"), sb.CA, 0o644); err != nil {
		return err
	}
	return d.show(ctx)
}

func (d *demo) path(name string) string { return filepath.Join(d.folder, name) }

// say announces a step.
func (d *demo) say(format string, args ...any) {
	d.steps++
	fmt.Fprintf(d.stdout, "%d. %s\n", d.steps, fmt.Sprintf(format, args...))
}

func (d *demo) show(ctx context.Context) error {
	image, err := random.Image(256, 1)
	if err != nil {
		return err
	}
	d.say("A Quay and a CI platform are up at %s. The robot %s trusts the main branch of acme/app.", d.sandbox.Host, robot)
	d.say("The job on main logs in, without any stored password.")
	if err := d.expect(ctx, 0, sandbox.Job{}, "login", d.sandbox.Host, "--robot", robot, "--ca-certificate", d.path("ca.pem")); err != nil {
		return err
	}
	d.say("With the login that it left in config.json, an image is pushed to acme/app.")
	if err := d.push(ctx, image); err != nil {
		return fmt.Errorf("push after the login: %w", err)
	}
	d.say("The image is pulled back, and is the same one.")
	if err := d.pullSame(ctx, image); err != nil {
		return err
	}
	d.say("A job on another branch tries the same, and is told why not.")
	if err := d.expect(ctx, exitRefused, sandbox.Job{Ref: "refs/heads/feature"}, "login", d.sandbox.Host, "--robot", robot, "--ca-certificate", d.path("ca.pem")); err != nil {
		return err
	}
	d.say("The job on main logs out.")
	if err := d.expect(ctx, 0, sandbox.Job{}, "logout", d.sandbox.Host); err != nil {
		return err
	}
	d.say("A push is unauthorized now.")
	return d.pushRefused(ctx, image)
}

// expect runs the program as a step of the job and wants its exit code.
func (d *demo) expect(ctx context.Context, code int, job sandbox.Job, args ...string) error {
	environment := d.sandbox.GitHubEnv(job)
	command := exec.CommandContext(ctx, d.program, args...)
	command.Stdout, command.Stderr = d.stdout, d.stderr
	// Without GITHUB_ACTIONS, so that it speaks as in a terminal: its masking
	// command for GitHub would put the token on the screen.
	command.Env = []string{
		"HOME=" + d.folder, "DOCKER_CONFIG=" + d.folder,
		requestURL + "=" + environment[requestURL], requestToken + "=" + environment[requestToken],
	}
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	if got := command.ProcessState.ExitCode(); got != code {
		return fmt.Errorf("%s %s ended with exit code %d, not %d", filepath.Base(d.program), args[0], got, code)
	}
	return nil
}

func (d *demo) reference() (name.Reference, error) {
	return name.ParseReference(d.sandbox.Host + "/acme/app:demo")
}

// options reads the login for the registry from config.json, as every
// container tool does; without one the tool is anonymous.
func (d *demo) options(ctx context.Context) ([]remote.Option, error) {
	var config struct {
		Auths map[string]authn.AuthConfig `json:"auths"`
	}
	text, err := os.ReadFile(d.path("config.json"))
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	login := authn.Anonymous
	if found, ok := config.Auths[d.sandbox.Host]; ok {
		login = authn.FromConfig(found)
	}
	return []remote.Option{
		remote.WithContext(ctx), remote.WithAuth(login), remote.WithTransport(d.sandbox.Client().Transport),
	}, nil
}

func (d *demo) push(ctx context.Context, image v1.Image) error {
	reference, err := d.reference()
	if err != nil {
		return err
	}
	options, err := d.options(ctx)
	if err != nil {
		return err
	}
	return remote.Write(reference, image, options...)
}

func (d *demo) pullSame(ctx context.Context, pushed v1.Image) error {
	reference, err := d.reference()
	if err != nil {
		return err
	}
	options, err := d.options(ctx)
	if err != nil {
		return err
	}
	pulled, err := remote.Image(reference, options...)
	if err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	want, err := pushed.Digest()
	if err != nil {
		return err
	}
	got, err := pulled.Digest()
	if err == nil && got != want {
		err = fmt.Errorf("pulled %s, pushed %s", got, want)
	}
	return err
}

func (d *demo) pushRefused(ctx context.Context, image v1.Image) error {
	var refused *transport.Error
	err := d.push(ctx, image)
	if errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized {
		return nil
	}
	return fmt.Errorf("push after the logout: %v, wanted a 401", err)
}
