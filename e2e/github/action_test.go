// SPDX-License-Identifier: Apache-2.0

// Package github runs the action on the Node of GitHub's runner, with a double
// of the runner around it.
package github

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// before is an auth file in a form that no encoder writes.
const before = `{ "auths": {"other.example.com":{"auth":"b3RoZXI6c2VjcmV0"}, "KEY" : {"auth":"b2xkOm9sZA=="} },
	"unknown":1.0}`

// job is a sandbox, a runner in it with an auth file, and the usual inputs.
func job(t *testing.T) (*sandbox.Sandbox, *runner, map[string]string) {
	t.Helper()
	sb, ca := lab.Sandbox(t)
	r := newRunner(t, sb.GitHubEnv(sandbox.Job{}))
	lab.Write(t, r.config(), strings.Replace(before, "KEY", sb.Host, 1), 0o600)
	return sb, r, map[string]string{"registry": sb.URL, "robot": "acme+ci", "ca-certificate": ca, "audience": "", "check": "\n"}
}

func TestLoginAndLogout(t *testing.T) {
	sb, r, inputs := job(t)
	former := lab.Read(t, r.config())
	step := r.uses(release(t), inputs)

	main := step.main(t)
	if main.Exit != 0 {
		t.Fatalf("main: exit code %d\n%s", main.Exit, main.Log())
	}
	user, token := lab.Login(t, lab.Read(t, r.config()), sb.Host)
	if user != "acme+ci" {
		t.Errorf("the auth file has a login as %q", user)
	}
	shown, masks := mask(t, main.Stdout)
	if len(masks) != 3 || !slices.Contains(masks, token) ||
		!slices.Contains(masks, base64.StdEncoding.EncodeToString([]byte(user+":"+token))) {
		t.Errorf("%d values are masked; the ID token, the robot token and the auth file's form of it should be", len(masks))
	}
	lab.NoSecrets(t, "the log", shown+main.Stderr)
	lab.NoSecrets(t, "the summary", main.summary)
	want := map[string]string{"registry": sb.Host, "username": "acme+ci", "authfile": r.config(), "expires-at": main.outputs["expires-at"]}
	if !maps.Equal(main.outputs, want) || want["expires-at"] == "" {
		t.Errorf("outputs %q", main.outputs)
	}
	if !strings.Contains(main.summary, sb.Host) {
		t.Errorf("the summary does not name the registry: %q", main.summary)
	}

	post := step.post(t)
	if post.Exit != 0 || len(annotations("warning", post.Stdout)) > 0 {
		t.Errorf("post: exit code %d\n%s", post.Exit, post.Log())
	}
	if now := lab.Read(t, r.config()); now != former {
		t.Errorf("after post the auth file is\n%s\nand was\n%s", now, former)
	}
}

// What later steps export does not matter to the post phase: it cleans the
// files that main wrote to.
func TestPostCleansWhatMainWrote(t *testing.T) {
	sb, r, inputs := job(t)
	former := lab.Read(t, r.config())
	r.env["REGISTRY_AUTH_FILE"] = filepath.Join(r.home, "auth file.json")
	step := r.uses(release(t), inputs)
	if main := step.main(t); main.Exit != 0 {
		t.Fatalf("main: exit code %d\n%s", main.Exit, main.Log())
	}
	step.env["REGISTRY_AUTH_FILE"], step.env["DOCKER_CONFIG"], step.env["HOME"] = "", t.TempDir(), t.TempDir()
	for _, path := range []string{r.config(), r.env["REGISTRY_AUTH_FILE"]} {
		if user, _ := lab.Login(t, lab.Read(t, path), sb.Host); user != "acme+ci" {
			t.Errorf("main: %s has a login as %q", path, user)
		}
	}
	if post := step.post(t); post.Exit != 0 {
		t.Errorf("post: exit code %d\n%s", post.Exit, post.Log())
	}
	if now := lab.Read(t, r.config()); now != former {
		t.Errorf("after post the auth file is\n%s\nand was\n%s", now, former)
	}
	if _, err := os.Stat(r.env["REGISTRY_AUTH_FILE"]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("post left the file that main created: %v", err)
	}
}

func TestExportedToken(t *testing.T) {
	sb, r, inputs := job(t)
	inputs["export-token"] = "true"
	main := r.uses(release(t), inputs).main(t)
	if _, token := lab.Login(t, lab.Read(t, r.config()), sb.Host); main.outputs["token"] != token || token == "" {
		t.Errorf("the output token has %d characters, the robot token %d", len(main.outputs["token"]), len(token))
	}
}

// A variable of the job stands for an input that is empty, and for no other.
func TestInputsAndVariables(t *testing.T) {
	_, r, inputs := job(t)
	r.env["QUAY_ROBOT"], r.env["QUAY_AUDIENCE"] = "acme+reader", "of-the-job"
	inputs["robot"], inputs["audience"] = " ", "quay"
	main := r.uses(release(t), inputs).main(t)
	if main.outputs["username"] != "acme+reader" {
		t.Errorf("outputs %q\n%s", main.outputs, main.Stdout)
	}
}

// Each of two steps in a job takes its own login away, the last one first.
func TestTwoSteps(t *testing.T) {
	sb, r, inputs := job(t)
	former := lab.Read(t, r.config())
	other, ca := lab.Sandbox(t)
	action := release(t)

	first := r.uses(action, inputs)
	first.main(t)
	maps.Copy(r.env, other.GitHubEnv(sandbox.Job{}))
	second := r.uses(action, map[string]string{"registry": other.Host, "robot": "acme+reader", "ca-certificate": ca})
	second.main(t)
	if user, _ := lab.Login(t, lab.Read(t, r.config()), other.Host); user != "acme+reader" {
		t.Fatalf("the second login is as %q", user)
	}
	second.post(t)
	between := lab.Read(t, r.config())
	if user, _ := lab.Login(t, between, other.Host); user != "" {
		t.Error("the second post left its login")
	}
	if user, _ := lab.Login(t, between, sb.Host); user != "acme+ci" {
		t.Error("the second post took the first login away")
	}
	first.post(t)
	if now := lab.Read(t, r.config()); now != former {
		t.Errorf("after both posts the auth file is\n%s", now)
	}
}

// The login stays where the input says so, or the job's variable where there is
// none.
func TestLogoutFalse(t *testing.T) {
	tests := map[string]struct {
		input, variable string
		stays           bool
	}{
		"input":               {" False ", "", true},
		"variable":            {"", "0", true},
		"input, not variable": {"true", "false", false},
		"neither":             {"", "", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sb, r, inputs := job(t)
			r.env["QUAY_LOGOUT"], inputs["logout"] = test.variable, test.input
			step := r.uses(release(t), inputs)
			step.main(t)
			post := step.post(t)
			user, _ := lab.Login(t, lab.Read(t, r.config()), sb.Host)
			if stays := user == "acme+ci"; post.Exit != 0 || stays != test.stays || stays != (post.Log() == "") {
				t.Errorf("post: exit code %d, the login stays: %v\n%s", post.Exit, stays, post.Log())
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	_, r, inputs := job(t)
	former := lab.Read(t, r.config())
	inputs["robot"] = "acme+nofed"
	step := r.uses(release(t), inputs)
	main := step.main(t)
	if main.Exit != 4 || len(annotations("error", main.Stdout)) != 1 {
		t.Errorf("exit code %d\n%s", main.Exit, main.Log())
	}
	shown, _ := mask(t, main.Stdout)
	lab.NoSecrets(t, "the log", shown+main.Stderr)
	post := step.post(t)
	if post.Exit != 0 || post.Log() != "" {
		t.Errorf("post after a failed main: exit code %d, %q", post.Exit, post.Log())
	}
	if now := lab.Read(t, r.config()); now != former {
		t.Errorf("the auth file is now\n%s", now)
	}
}

// Neither is there anything to warn of where the auth file is gone.
func TestPostWithoutAuthFile(t *testing.T) {
	_, r, inputs := job(t)
	step := r.uses(release(t), inputs)
	step.main(t)
	remove(t, filepath.Dir(r.config()))
	if post := step.post(t); post.Exit != 0 || len(annotations("warning", post.Stdout)) != 0 {
		t.Errorf("post: exit code %d\n%s", post.Exit, post.Log())
	}
}

// A runner whose service has no HOME is told so.
func TestNoHome(t *testing.T) {
	_, r, inputs := job(t)
	r.env["HOME"] = ""
	step := r.uses(release(t), inputs)
	main := step.main(t)
	if errors := annotations("error", main.Stdout); main.Exit != 1 || len(errors) != 1 || !strings.Contains(errors[0], "HOME") {
		t.Errorf("main: exit code %d\n%s", main.Exit, main.Log())
	}
	if post := step.post(t); post.Exit != 0 || post.Log() != "" {
		t.Errorf("post: exit code %d, %q", post.Exit, post.Log())
	}
}

// The runner cancels a job by SIGINT to node, and 7.5 seconds later by SIGTERM;
// the program then ends too, says so by its exit code, and leaves nothing for the
// post phase. What is left after 2.5 more seconds it kills, with all its children.
func TestCancelled(t *testing.T) {
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGKILL: -1} {
		t.Run(signal.String(), func(t *testing.T) { cancel(t, signal, code) })
	}
}

func cancel(t *testing.T, signal syscall.Signal, code int) {
	_, r, inputs := job(t)
	former := lab.Read(t, r.config())
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	inputs["registry"] = silent.Addr().String()
	step := r.uses(release(t), inputs)
	command, _ := step.command(t, mainEntry)
	process := command.Start(t)
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait()
		_ = silent.Close() // nobody will connect any more
	}()
	connection, err := silent.Accept() // the program is running, and waits for an answer
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	target := process.Process.Pid
	if signal == syscall.SIGKILL {
		target = -target // node and the program
	}
	if err := syscall.Kill(target, signal); err != nil {
		t.Fatal(err)
	}
	<-ended
	if exit := process.ProcessState.ExitCode(); exit != code {
		t.Errorf("exit code %d, not %d", exit, code)
	}
	if post := step.post(t); post.Exit != 0 || post.Log() != "" {
		t.Errorf("post: exit code %d, %q", post.Exit, post.Log())
	}
	if now := lab.Read(t, r.config()); now != former {
		t.Errorf("the auth file is now\n%s", now)
	}
}
