// SPDX-License-Identifier: Apache-2.0

package keycloak

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// What the realm's import says.
const (
	aliceID        = "8d1f3a52-0000-4000-8000-0000000000a1"
	serviceAccount = "8d1f3a52-0000-4000-8000-0000000000c1"
	alicePassword  = "PASSWORD-OF-ALICE"
	clientSecret   = "CLIENT-SECRET-OF-CI"
)

// job is a job that logs in by Keycloak, with a sandbox of its own that trusts it.
type job struct {
	sandbox *sandbox.Sandbox
	folder  string
	env     map[string]string
}

// newJob makes one. The robots acme+alice and acme+ci trust the realm's user and
// the client's service account.
func newJob(t *testing.T) *job {
	t.Helper()
	if err := keycloak.ready(); err != nil {
		t.Fatalf("starting Keycloak: %v", err)
	}
	robot := func(name, subject string) sandbox.Robot {
		return sandbox.Robot{
			Name: name, Grants: map[string]sandbox.Role{"acme/app": sandbox.Write},
			Federation: []sandbox.Entry{{Issuer: keycloak.issuer("ci"), Subject: subject}},
		}
	}
	sb, err := sandbox.New(sandbox.Config{
		Log: t.Output(), IssuerCA: keycloak.ca,
		Robots: []sandbox.Robot{robot("acme+alice", aliceID), robot("acme+ci", serviceAccount)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() })
	j := &job{sandbox: sb, folder: t.TempDir()}
	lab.Write(t, j.path("ca.crt"), string(sb.CA)+string(keycloak.ca), 0o644)
	lab.Write(t, j.path("client-secret"), clientSecret+"\n", 0o600)
	lab.Write(t, j.path("password"), alicePassword+"\n", 0o600)
	lab.Write(t, j.path("wrong"), "WRONG-PASSWORD\n", 0o600)
	j.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": j.folder, "QUAY_CA_CERTIFICATE": j.path("ca.crt"), "QUAY_AUTHFILE": j.path("auth.json"),
		"OIDC_ISSUER_URL": keycloak.issuer("ci"), "QUAY_ID_TOKEN_SOURCE": "oidc",
	}
	return j
}

func (j *job) path(name string) string { return filepath.Join(j.folder, name) }

// with is the job's environment with more variables, KEY=VALUE each.
func (j *job) with(variables ...string) map[string]string {
	env := maps.Clone(j.env)
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	return env
}

// command is a login.
func (j *job) command(env map[string]string, robot string, flags ...string) lab.Command {
	return lab.Command{Dir: j.folder, Env: env, Args: append([]string{lab.Program(), "login", j.sandbox.Host, "--robot", robot}, flags...)}
}

// login logs in without a person, and gives what was said.
func (j *job) login(t *testing.T, env map[string]string, robot string, flags ...string) lab.Outcome {
	t.Helper()
	outcome := j.command(env, robot, append(flags, "--verbose")...).Run(t)
	quiet(t, outcome.Log())
	return outcome
}

// push pushes an image with the login that the auth file has.
func (j *job) push(t *testing.T) {
	t.Helper()
	image, err := random.Image(256, 1)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	index, err := layout.Write(folder, empty.Index)
	if err == nil {
		err = index.AppendImage(image)
	}
	if err != nil {
		t.Fatal(err)
	}
	certificates := filepath.Join(t.TempDir(), "certs")
	lab.Copy(t, j.path("ca.crt"), filepath.Join(certificates, "ca.crt"), 0o644)
	skopeo := lab.Tool(t, "skopeo", "apt-get install skopeo")
	lab.Command{Env: map[string]string{"HOME": j.folder, "TMPDIR": folder}, Args: []string{
		skopeo, "copy", "--insecure-policy", "--authfile", j.path("auth.json"), "--dest-cert-dir", certificates,
		"oci:" + folder, "docker://" + j.sandbox.Host + "/acme/app:pushed",
	}}.Must(t)
	if err := os.Remove(j.path("auth.json")); err != nil {
		t.Fatal(err)
	}
}

// quiet fails the test where what was said has a secret in it.
func quiet(t *testing.T, said string) {
	t.Helper()
	lab.NoSecrets(t, "what login said", said)
	for _, secret := range []string{alicePassword, clientSecret, "WRONG-PASSWORD"} {
		if strings.Contains(said, secret) {
			t.Errorf("what login said has %s in it:\n%s", secret, said)
		}
	}
}

// waiting is a login that waits for a person.
type waiting struct {
	command *exec.Cmd
	lines   *bufio.Reader
	said    strings.Builder
}

// begin starts a login, and looks at its command line.
func (j *job) begin(t *testing.T, robot string, env map[string]string, flags ...string) *waiting {
	t.Helper()
	w := &waiting{command: j.command(env, robot, flags...).Start(t)}
	stderr, err := w.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	w.lines = bufio.NewReader(stderr)
	if err := w.command.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

// line waits for a line that the login says, and gives the rest of it.
func (w *waiting) line(t *testing.T, beginning string) string {
	t.Helper()
	for {
		line, err := w.lines.ReadString('\n')
		w.said.WriteString(line)
		if rest, found := strings.CutPrefix(strings.TrimSpace(line), beginning); found {
			quiet(t, lab.Read(t, fmt.Sprintf("/proc/%d/cmdline", w.command.Process.Pid)))
			return rest
		}
		if err != nil {
			t.Fatalf("it never said %q:\n%s", beginning, w.said.String())
		}
	}
}

// end waits for the login's end and gives its exit code and all that it said.
func (w *waiting) end(t *testing.T) (int, string) {
	t.Helper()
	rest, err := io.ReadAll(w.lines)
	if err != nil {
		t.Fatal(err)
	}
	_ = w.command.Wait()
	w.said.Write(rest)
	quiet(t, w.said.String())
	return w.command.ProcessState.ExitCode(), w.said.String()
}
