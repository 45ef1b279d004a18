// SPDX-License-Identifier: Apache-2.0

// Package gitlab runs the jobs of our example with the component in a shell,
// with a double of GitLab and its runner around them.
package gitlab

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

func example(t *testing.T) string {
	t.Helper()
	return lab.Read(t, lab.Path("gitlab", "examples", "build.gitlab-ci.yml"))
}

// The example's two jobs: build takes the login by !reference and pushes by
// buildah, release takes it by extends and copies by skopeo.
func TestExample(t *testing.T) {
	r := newRunner(t)
	p := expand(t, example(t), map[string]string{"registry": r.sandbox.Host})
	for _, job := range []string{"build", "release"} {
		outside := filepath.Join(t.TempDir(), "seen")
		ran := r.run(t, p, job,
			`stat -c '%a %n' "$DOCKER_CONFIG" "$DOCKER_CONFIG"/* "$REGISTRY_AUTH_FILE" >'`+outside+`'`,
			`cat "$REGISTRY_AUTH_FILE" >'`+outside+`.json'`,
			`test -z "${DOCKER_AUTH_CONFIG+set}"`,
			`test "$(umask)" = 0000`)
		if ran.script.Exit != 0 || ran.after.Exit != 0 {
			t.Fatalf("%s: exit codes %d, %d\n%s", job, ran.script.Exit, ran.after.Exit, ran.log())
		}
		if user, _ := lab.Login(t, lab.Read(t, outside+".json"), r.sandbox.Host); user != "acme+ci" {
			t.Errorf("%s: the script saw a login as %q", job, user)
		}
		file := "600 " + r.private() + "/config.json\n"
		if want := "700 " + r.private() + "\n" + file + file; lab.Read(t, outside) != want {
			t.Errorf("%s: files and modes are\n%swant\n%s", job, lab.Read(t, outside), want)
		}
		if !strings.Contains(ran.after.Log(), "logged out of "+r.sandbox.Host) {
			t.Errorf("%s: after_script says %q", job, ran.after.Log())
		}
		lab.NoSecrets(t, job+"'s log", ran.log())
		r.leftNothing(t)
	}
}

// leftNothing fails the test where a job left its folder, or a token in the
// checkout.
func (r *runner) leftNothing(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(r.private()); err == nil {
		t.Errorf("%s is still there", r.private())
	}
	err := filepath.WalkDir(r.checkout, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			lab.NoSecrets(t, path, lab.Read(t, path))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The login is there in after_script too, which is a new shell with the job's
// variables.
func TestAfterScript(t *testing.T) {
	r := newRunner(t)
	p := expand(t, strings.Replace(example(t), "\n  script:", `
  after_script:
    - skopeo login --get-login "$QUAY_REGISTRY"
    - !reference [.quay-login, after_script]
  script:`, 1), map[string]string{"registry": r.sandbox.Host})
	ran := r.run(t, p, "build")
	if ran.after.Exit != 0 || !strings.HasPrefix(ran.after.Stdout, "acme+ci\n") {
		t.Errorf("exit code %d\n%s", ran.after.Exit, ran.log())
	}
	r.leftNothing(t)
}

// The template's audience and robot are those of the inputs, and a refused
// login ends the job before its script.
func TestRefused(t *testing.T) {
	tests := map[string]map[string]string{
		"audience": {"audience": "of-someone-else"},
		"robot":    {"robot": "acme+nofed"},
		"check":    {"check": "acme/app:pull\nacme/other:push"},
	}
	for name, inputs := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t)
			inputs["registry"] = r.sandbox.Host
			p := expand(t, example(t), inputs)
			ran := r.run(t, p, "release")
			if ran.script.Exit != 4 || ran.after.Exit != 0 {
				t.Errorf("exit codes %d, %d\n%s", ran.script.Exit, ran.after.Exit, ran.log())
			}
			if strings.Contains(ran.log(), "Getting image source") {
				t.Error("the script was run")
			}
			lab.NoSecrets(t, "the log", ran.log())
			r.leftNothing(t)
		})
	}
}

// A second inclusion under another name is another login.
func TestOtherName(t *testing.T) {
	r := newRunner(t)
	p := pipeline(component(t, map[string]string{"registry": r.sandbox.Host, "robot": "acme+reader", "job": ".pull", "image": "acme/tools"}))
	p["pull"] = map[string]any{"extends": ".pull", "script": []any{`skopeo login --get-login "$QUAY_REGISTRY"`}}
	p["pull"] = p.extend(t, p["pull"])
	ran := r.run(t, p, "pull")
	if ran.script.Exit != 0 || !strings.HasPrefix(ran.script.Stdout, "acme+reader\n") {
		t.Errorf("exit code %d\n%s", ran.script.Exit, ran.log())
	}
	if image := p["pull"].(map[string]any)["image"]; image != "acme/tools" {
		t.Errorf("image %q", image)
	}
}
