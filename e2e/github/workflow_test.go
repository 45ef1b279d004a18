// SPDX-License-Identifier: Apache-2.0

package github

import (
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/e2e/act"
	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// machine is one that runs the default job of acme/app, with an auth file of an earlier
// day, Debian's container tools, and a release of the action, as
// OWNER/quay-keyless@v1. It trusts the sandbox only as far as a job's step says.
func machine(t *testing.T, sb *sandbox.Sandbox, ca string) *act.Machine {
	t.Helper()
	env := lab.Containers(t, os.Getenv("PATH"))
	maps.Copy(env, sb.GitHubEnv(sandbox.Job{}))
	maps.Copy(env, map[string]string{"PATH": os.Getenv("PATH"), "REGISTRY": sb.Host, "SANDBOX": sb.PlainURL, "CA": ca})
	m := act.New(t, env)
	m.Actions["OWNER/quay-keyless@v1"] = release(t)
	lab.Write(t, config(m), strings.Replace(before, "KEY", sb.Host, 1), 0o600)
	return m
}

// config is docker's auth file in the home of a machine's user.
func config(m *act.Machine) string { return filepath.Join(m.Home, ".docker", "config.json") }

// app is the repository acme/app, whose image needs no other.
func app(t *testing.T) (checkout string) {
	t.Helper()
	return act.Repository(t, map[string]string{"Containerfile": "FROM scratch\nCOPY Containerfile /\n"})
}

// workflow is one with a single job, whose steps are these.
func workflow(steps string) string {
	return "on: push\npermissions:\n  contents: read\n  id-token: write\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n" + steps
}

// checkoutStep is taken over by act, which copies the files; no ref of the
// action is asked for.
const checkoutStep = `
      - uses: actions/checkout@v7
`

const login = `
      - id: quay
        uses: OWNER/quay-keyless@v1
        with:
          registry: ${{ env.REGISTRY }}
          robot: acme+ci
          ca-certificate: ${{ env.CA }}
          install-ca: true
          check: acme/app:push
`

const useLogin = `
      - run: buildah bud --tag "$REGISTRY/acme/app:$GITHUB_RUN_ID" .
      - run: buildah push "$REGISTRY/acme/app:$GITHUB_RUN_ID"
      - run: buildah rmi --all && buildah pull "$REGISTRY/acme/app:$GITHUB_RUN_ID"
`

// A careless job shows what the login left, in the auth file and taken apart.
const leak = `
      - id: leak
        env:
          AUTHFILE: ${{ steps.quay.outputs.authfile }}
        run: |
          cat "$AUTHFILE"
          node -e 'for (const { auth } of Object.values(JSON.parse(fs.readFileSync(process.env.AUTHFILE)).auths))
            console.log(auth, Buffer.from(auth, "base64").toString())'
`

// succeeds fails the test unless the job went through.
func succeeds(t *testing.T, log act.Log) {
	t.Helper()
	if result := log.Result("job"); result != "success" {
		t.Fatalf("the job ended with %q\n%s", result, log.Shown)
	}
}

// masked fails the test unless the login hid its three secrets, and nothing
// that the run showed has one of them.
func masked(t *testing.T, log act.Log, id, robot string) {
	t.Helper()
	masks := log.Main("job", id).Masks
	if len(masks) != 3 || masks[2] != base64.StdEncoding.EncodeToString([]byte(robot+":"+masks[1])) {
		t.Fatalf("%d values are masked; the ID token, the robot token and the auth file's form of it should be", len(masks))
	}
	for _, secret := range masks {
		if strings.Contains(log.Shown, secret) {
			t.Errorf("the log has %s... in it", secret[:8])
		}
	}
	lab.NoSecrets(t, "the log", log.Shown)
}

// One step is the whole of it: what follows builds, pushes and pulls, and the
// job's end puts back what was there.
func TestWorkflow(t *testing.T) {
	sb, ca := lab.Sandbox(t)
	m := machine(t, sb, ca)
	former := lab.Read(t, config(m))
	log := m.Run(t, app(t), workflow(checkoutStep+login+useLogin+leak))
	succeeds(t, log)
	masked(t, log, "quay", "acme+ci")
	step := log.Main("job", "quay")
	want := map[string]string{"registry": sb.Host, "username": "acme+ci", "authfile": config(m), "expires-at": step.Outputs["expires-at"]}
	if !maps.Equal(step.Outputs, want) {
		t.Errorf("outputs %q", step.Outputs)
	}
	if !strings.Contains(step.Summary, "| `"+sb.Host+"` | `acme+ci` |") {
		t.Errorf("summary %q", step.Summary)
	}
	leaked := log.Main("job", "leak").Output
	if !strings.Contains(leaked, `"auth":"***"`) || !strings.Contains(leaked, "\n*** acme+ci:***\n") {
		t.Errorf("the login does not show as *** in\n%s", leaked)
	}
	loggedOut(t, log, m, former)
}

// loggedOut fails the test unless the post phase took the login away, with
// nothing to complain of.
func loggedOut(t *testing.T, log act.Log, m *act.Machine, former string) {
	t.Helper()
	post := log.Post("job", "quay")
	if post.Result != "success" || len(post.Annotations("warning")) != 0 || !strings.Contains(post.Output, "logged out of ") {
		t.Errorf("post: %+v", post)
	}
	if now := lab.Read(t, config(m)); now != former {
		t.Errorf("after the job the auth file is\n%s\nand was\n%s", now, former)
	}
	if _, err := os.Lstat(filepath.Join(m.Home, ".config", "containers", "certs.d")); err == nil {
		t.Error("the CA is still installed")
	}
}

func TestWorkflowFailsAfterLogin(t *testing.T) {
	sb, ca := lab.Sandbox(t)
	m := machine(t, sb, ca)
	former := lab.Read(t, config(m))
	log := m.Run(t, app(t), workflow(checkoutStep+login+`
      - id: wrong
        run: buildah push "$REGISTRY/acme/no-such-image"
      - id: later
        run: buildah version
`))
	if log.Result("job") != "failure" || log.Main("job", "wrong").Result != "failure" || log.Main("job", "later").Result != "" {
		t.Errorf("the job ended with %q\n%s", log.Result("job"), log.Shown)
	}
	loggedOut(t, log, m, former)
}

// A login that is refused fails the job there, and its end has nothing to do.
func TestWorkflowRefused(t *testing.T) {
	sb, ca := lab.Sandbox(t)
	m := machine(t, sb, ca)
	former := lab.Read(t, config(m))
	log := m.Run(t, app(t), workflow(strings.Replace(login, "acme+ci", "acme+nofed", 1)+`
      - run: buildah version
`))
	if log.Result("job") != "failure" || log.Main("job", "1").Result != "" {
		t.Errorf("the job ended with %q\n%s", log.Result("job"), log.Shown)
	}
	errors := log.Main("job", "quay").Annotations("error")
	if len(errors) != 1 || !strings.Contains(errors[0], "Robot does not have federated login configured") {
		t.Errorf("errors %q", errors)
	}
	lab.NoSecrets(t, "the log", log.Shown)
	if post := log.Post("job", "quay"); post.Result != "success" || post.Output != "" || len(post.Commands) != 0 {
		t.Errorf("post: %+v", post)
	}
	if now := lab.Read(t, config(m)); now != former {
		t.Errorf("the auth file is now\n%s", now)
	}
}

// A login in a folder of its own is the following steps' alone.
func TestWorkflowIsolated(t *testing.T) {
	sb, ca := lab.Sandbox(t)
	m := machine(t, sb, ca)
	former := lab.Read(t, config(m))
	log := m.Run(t, app(t), workflow(checkoutStep+login+"          isolated: true\n"+useLogin+leak))
	succeeds(t, log)
	masked(t, log, "quay", "acme+ci")
	step := log.Main("job", "quay")
	file := step.Outputs["authfile"]
	folder := filepath.Dir(file)
	want := map[string]string{"REGISTRY_AUTH_FILE": filepath.Join(folder, "auth.json"), "DOCKER_CONFIG": folder}
	if !maps.Equal(step.Exports, want) || file == config(m) {
		t.Errorf("exports %q", step.Exports)
	}
	loggedOut(t, log, m, former)
}

// With the helper a step an hour later finds a login; without it, none.
func TestWorkflowLongerThanItsToken(t *testing.T) {
	const later = `
      - run: curl --fail --silent --show-error --request POST "$SANDBOX/sandbox/clock?advance=2h"
      - id: later
        run: buildah rmi --all && buildah pull "$REGISTRY/acme/app:$GITHUB_RUN_ID"
`
	for name, test := range map[string]struct{ step, result string }{
		"helper": {login + "          credential-helper: true\n", "success"},
		"token":  {login, "failure"},
	} {
		t.Run(name, func(t *testing.T) {
			sb, ca := lab.Sandbox(t)
			m := machine(t, sb, ca)
			former := lab.Read(t, config(m))
			log := m.Run(t, app(t), workflow(checkoutStep+test.step+useLogin+later))
			if log.Result("job") != test.result || log.Main("job", "later").Result != test.result {
				t.Fatalf("the job ended with %q\n%s", log.Result("job"), log.Shown)
			}
			lab.NoSecrets(t, "the log", log.Shown)
			loggedOut(t, log, m, former)
		})
	}
}

// A repository runs the action of its own checkout with a program that it has
// built; without one it is told what to use.
func TestWorkflowOfOwnCheckout(t *testing.T) {
	const own = checkoutStep + `
      - id: quay
        uses: ./
        with:
          registry: ${{ env.REGISTRY }}
          robot: acme+ci
          ca-certificate: ${{ env.CA }}
`
	checkout := act.Repository(t, map[string]string{
		"action.yml": lab.Read(t, lab.Path("action.yml")), mainEntry: lab.Read(t, lab.Path(mainEntry)), postEntry: lab.Read(t, lab.Path(postEntry)),
	})
	sb, ca := lab.Sandbox(t)
	m := machine(t, sb, ca)
	former := lab.Read(t, config(m))
	log := m.Run(t, checkout, workflow(own))
	if errors := log.Main("job", "quay").Annotations("error"); log.Result("job") != "failure" || len(errors) != 1 || !strings.Contains(errors[0], "use a release tag such as ") {
		t.Errorf("without a program the job ended with %q, %q", log.Result("job"), errors)
	}

	m.Env["QUAY_KEYLESS_BINARY"] = lab.Program()
	log = m.Run(t, checkout, workflow(own))
	succeeds(t, log)
	masked(t, log, "quay", "acme+ci")
	if notices := log.Main("job", "quay").Annotations("notice"); len(notices) != 1 || !strings.Contains(notices[0], lab.Program()) {
		t.Errorf("notices %q", notices)
	}
	loggedOut(t, log, m, former)
}
