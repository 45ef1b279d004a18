// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// nobody is a user without a session, and without a line in /etc/subuid.
const nobody = 65534

// users are those whom a test can be: everybody, where root runs it.
func users() []int {
	if self := os.Getuid(); self != 0 {
		return []int{self}
	}
	return []int{0, nobody}
}

// job is one CI job: a user with a home, an environment that its steps share,
// and the programs that they run.
type job struct {
	folder, home string
	uid          int
	env          map[string]string
	ca, idToken  string
	same         bool // the neighbours log in to our registry
}

// newJob makes a job without any login. Its user owns all of it.
func newJob(t *testing.T, uid int, sb *sandbox.Sandbox) *job {
	t.Helper()
	env := lab.Containers(t, os.Getenv("PATH"))
	folder := env["HOME"]
	if err := errors.Join(os.Chmod(filepath.Dir(folder), 0o755), os.Chown(folder, uid, -1)); err != nil { // above it, all is the runner's
		t.Fatal(err)
	}
	j := &job{folder: folder, home: filepath.Join(folder, "home"), uid: uid, env: env}
	j.ca, j.idToken = filepath.Join(folder, "ca.pem"), filepath.Join(folder, "id-token")
	maps.Copy(env, map[string]string{"HOME": j.home, "TMPDIR": filepath.Join(folder, "tmp"), "PATH": filepath.Join(folder, "bin") + ":" + os.Getenv("PATH")})
	lab.Write(t, j.ca, string(sb.CA), 0o644)
	for _, name := range []string{"home", "tmp", "bin"} {
		j.makeFolder(t, name)
	}
	for name, path := range map[string]string{"quay-keyless": lab.Program(), "probe": probe} {
		if err := os.Link(path, filepath.Join(folder, "bin", name)); err != nil { // hundreds of copies take minutes
			t.Fatal(err)
		}
	}
	j.renewIDToken(t, sb)
	t.Cleanup(func() { j.endPauses(t) })
	return j
}

// makeFolder makes a folder of the user's in the job's.
func (j *job) makeFolder(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(j.folder, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	j.own(t, path)
	return path
}

// own gives a path below the job's folder to the user, and all folders between.
func (j *job) own(t *testing.T, path string) {
	t.Helper()
	for ; path != j.folder; path = filepath.Dir(path) {
		if err := os.Chown(path, j.uid, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// renewIDToken writes a new ID token, as the platforms do now and then.
func (j *job) renewIDToken(t *testing.T, sb *sandbox.Sandbox) {
	t.Helper()
	token, err := sb.Mint(sandbox.Token{})
	if err != nil {
		t.Fatal(err)
	}
	lab.Write(t, j.idToken, token, 0o600)
	j.own(t, j.idToken)
}

// hasLogin writes an auth file with a login from before the job.
func (j *job) hasLogin(t *testing.T, path, host, user string) {
	t.Helper()
	login := base64.StdEncoding.EncodeToString([]byte(user + ":PASSWORD-FROM-BEFORE"))
	text, err := json.Marshal(map[string]any{"auths": map[string]any{host: map[string]string{"auth": login}}})
	if err != nil {
		t.Fatal(err)
	}
	lab.Write(t, path, string(text), 0o600)
	j.own(t, path)
}

// command is one of the job's, run by its user.
func (j *job) command(env map[string]string, arguments ...string) lab.Command {
	as := []string{"env", "--"} // which looks for the program in the job's PATH, as setpriv does
	if id := strconv.Itoa(j.uid); j.uid != os.Getuid() {
		as = []string{"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"}
	}
	return lab.Command{Dir: j.folder, Env: env, Args: append(as, arguments...)}
}

// login runs the program's login as acme+ci. It gives what the program said.
func (j *job) login(t *testing.T, host string, flags ...string) lab.Outcome {
	t.Helper()
	outcome := j.loginCommand(host, flags...).Must(t)
	lab.NoSecrets(t, "what login said", outcome.Log())
	return outcome
}

func (j *job) loginCommand(host string, flags ...string) lab.Command {
	login := []string{"quay-keyless", "login", host, "--robot", "acme+ci", "--id-token-file", j.idToken, "--ca-certificate", j.ca}
	return j.command(j.env, slices.Concat(login, flags)...)
}

// evaluated is an environment after a shell's eval of what login or logout printed.
func (j *job) evaluated(t *testing.T, env map[string]string, lines string) map[string]string {
	t.Helper()
	if lines = strings.TrimSpace(lines); lines == "" {
		return maps.Clone(env)
	}
	outcome := j.command(env, "sh", "-c", lines+"\nexec env -0").Must(t)
	after := map[string]string{}
	for variable := range strings.SplitSeq(strings.TrimSuffix(outcome.Stdout, "\x00"), "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		after[name] = value
	}
	return after
}

// endPauses ends the process that podman leaves behind for a user other than
// root.
func (j *job) endPauses(t *testing.T) {
	err := filepath.WalkDir(j.folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "pause.pid" {
			return err
		}
		id, err := strconv.Atoi(lab.Read(t, path))
		if err != nil {
			return err
		}
		return syscall.Kill(id, syscall.SIGKILL)
	})
	if err != nil {
		t.Error(err)
	}
}
