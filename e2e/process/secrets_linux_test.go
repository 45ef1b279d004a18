// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// watched is a command that strace looks at, and what it may do with secrets.
type watched struct {
	env, args []string
	stdin     string
	// writes are all files that it opens for writing, as shapes. Those that keep says
	// may hold a robot token.
	writes []string
	keep   string
	prints bool // a robot token on standard output is its purpose
}

// The files of a login, in the home.
const (
	record   = "/.docker/.config.json.quay-keyless"
	settings = "/.docker/.quay-keyless.json"
	podmans  = "/containers/.auth.json.quay-keyless" // in the runtime folder, which is the home
	besides  = "/containers/.quay-keyless.json"
)

// TestSecretsUnderStrace looks at every program that is started and every byte that is
// written, but for what goes over TLS: no secret is in an argument or a variable of a
// child, and none in a file but the login's own, which goes to the auth file.
func TestSecretsUnderStrace(t *testing.T) {
	oidc := []string{"QUAY_ID_TOKEN_SOURCE=oidc", "OIDC_CLIENT_ID=ci", "OIDC_CLIENT_SECRET=" + sandbox.ClientSecret}
	person := slices.Concat(oidc, []string{"QUAY_ROBOT=acme+alice", "OIDC_PASSWORD=" + sandbox.UserPassword})
	inHome := []string{record + ".lock", record + ".N", podmans + ".lock", podmans + ".N"}
	cases := map[string]watched{
		"login":             {args: login, writes: inHome, keep: record + ".N"},
		"login on GitHub":   {env: []string{"GITHUB_ACTIONS=true"}, args: login, writes: slices.Concat(inHome, []string{"/output", "/state", "/summary"}), keep: record + ".N"},
		"login, verbose":    {args: []string{"login", "--verbose"}, writes: inHome, keep: record + ".N"},
		"login by helper":   {args: helper, writes: slices.Concat(inHome, []string{settings + ".lock", settings + ".N", besides + ".lock", besides + ".N"})},
		"login by client":   {env: oidc, args: login, writes: inHome, keep: record + ".N"},
		"login by password": {env: slices.Concat(person, []string{"OIDC_USERNAME=" + sandbox.User}), args: login, writes: inHome, keep: record + ".N"},
		"login by browser":  {env: slices.Concat(person, []string{"BROWSER=1"}), args: []string{"login", "--oidc-flow", "code"}, writes: inHome, keep: record + ".N"},
		"logout":            {args: logout, writes: []string{record + ".lock", record + ".N", podmans + ".lock"}},
		"token":             {args: []string{"token"}, prints: true},
		"token into a file": {args: []string{"token", "--output-file", "token"}, writes: []string{"/.token.quay-keyless.N"}, keep: "/.token.quay-keyless.N"},
		"refused":           {env: []string{"QUAY_ROBOT=acme+other"}, args: login},
		"whoami":            {args: []string{"whoami"}},
		"doctor":            {args: []string{"doctor"}},
		"federation":        {args: []string{"federation", "add", "--from-token"}},
		"helper get":        {args: []string{"get"}, prints: true},
	}
	for name, w := range cases {
		t.Run(name, func(t *testing.T) { w.expect(t) })
	}
}

// newWatched is a home in which GitHub, a client and a person log in, and the job's
// variables with all secrets of the three.
func newWatched(t *testing.T) (home, secrets) {
	t.Helper()
	trust := func(issuer, subject, audience string) []sandbox.Entry {
		return []sandbox.Entry{{Issuer: issuer, Subject: subject, Audiences: []string{audience}}}
	}
	j := newJob(t,
		sandbox.Robot{Name: "acme+ci", Federation: append(trust("github", "repo:acme/app:ref:refs/heads/main", "quay"), trust("oidc", sandbox.ServiceAccountID, "ci")...)},
		sandbox.Robot{Name: "acme+alice", Federation: trust("oidc", sandbox.UserID, "ci")},
		sandbox.Robot{Name: "acme+other"})
	delete(j.env, "QUAY_ID_TOKEN_FILE")
	maps.Copy(j.env, j.GitHubEnv(sandbox.Job{}))
	delete(j.env, "GITHUB_ACTIONS")
	h := j.home(t, before)
	for variable, file := range map[string]string{"GITHUB_STATE": "state", "GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary"} {
		h.env[variable] = filepath.Join(h.folder, file)
	}
	h.env["QUAY_API_TOKEN"] = j.APIToken()
	opener := filepath.Join(h.folder, "bin", "xdg-open")
	lab.Write(t, opener, "#!/bin/sh\nexec curl --silent --location --output /dev/null --cacert '"+j.env["QUAY_CA_CERTIFICATE"]+"' \"$1\"\n", 0o755)
	return h, secrets{sandbox.ClientSecret, sandbox.UserPassword, j.APIToken(), h.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}
}

// expect runs the command in a home of its own under strace.
func (w watched) expect(t *testing.T) {
	h, known := newWatched(t)
	switch w.args[0] {
	case "logout":
		h.command(nil, login...).Must(t)
	case "get":
		h.command(nil, "login", "--credential-helper", "--helper-dir", filepath.Join(h.folder, "bin")).Must(t)
		w.stdin = h.Host
	}
	command := h.command(w.env, w.args...)
	if command.Env["OIDC_CLIENT_ID"] != "" {
		command.Env["OIDC_ISSUER_URL"] = h.URL + "/issuers/oidc"
	}
	command.Stdin, command.Env["PATH"] = w.stdin, filepath.Join(h.folder, "bin")+":"+command.Env["PATH"]
	if w.args[0] == "get" {
		command.Args[0] = filepath.Join(h.folder, "bin", "docker-credential-quay-keyless")
	}
	refused := slices.Contains(w.env, "QUAY_ROBOT=acme+other")
	log, outcome := watch(t, command)
	if (outcome.Exit != 0) != refused {
		t.Fatalf("exit code %d\n%s", outcome.Exit, outcome.Stderr)
	}
	seen := look(log, h.folder)
	if browser := slices.Contains(w.env, "BROWSER=1"); (len(seen.children) > 0) != browser {
		t.Errorf("it started %q", seen.children)
	}
	for _, leak := range seen.leaks(known, w) {
		t.Error(leak)
	}
	if want := slices.Sorted(slices.Values(w.writes)); !slices.Equal(seen.opened, want) {
		t.Errorf("it opens for writing %q, and should %q", seen.opened, want)
	}
}

// watch runs a command under strace.
func watch(t *testing.T, command lab.Command) (log string, outcome lab.Outcome) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "strace")
	strace := lab.Tool(t, "strace", "apt-get install strace")
	command.Args = append([]string{strace, "-f", "-v", "-y", "-s", "1000000", "--seccomp-bpf", "-o", file,
		"-e", "trace=execve,execveat,open,openat,openat2,creat,write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range,splice", "--"}, command.Args...)
	outcome = command.Run(t)
	return lab.Read(t, file), outcome
}

// deeds are what a program did, in strace's words.
type deeds struct {
	children []string // each execve but the first
	opened   []string // the shapes of all files that were opened for writing, each once
	written  []written
}

type written struct{ descriptor, path, data string }

var (
	opening = regexp.MustCompile(`^open(?:at)?\(.*?"([^"]*)", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)`)
	writing = regexp.MustCompile(`^(?:p?writev?2?(?:64)?|sendfile|copy_file_range|splice)\((\d+)<(.*?)>, (.*)`)
	thread  = regexp.MustCompile(`^\d+ +`)
)

// look reads strace's log. Paths are those below the folder, without it.
func look(log, folder string) deeds {
	var d deeds
	files := map[string]bool{}
	own := true
	for line := range strings.Lines(log) {
		line = thread.ReplaceAllString(line, "")
		if strings.HasPrefix(line, "execve") {
			if !own {
				d.children = append(d.children, line)
			}
			own = false
		} else if open := opening.FindStringSubmatch(line); open != nil {
			path := open[1]
			if !filepath.IsAbs(path) {
				path = filepath.Join(folder, path)
			}
			if path != "/dev/null" {
				files[number.ReplaceAllString(strings.TrimPrefix(path, folder), ".N")] = true
			}
		} else if write := writing.FindStringSubmatch(line); write != nil {
			d.written = append(d.written, written{write[1], number.ReplaceAllString(strings.TrimPrefix(write[2], folder), ".N"), write[3]})
		}
	}
	d.opened = slices.Sorted(maps.Keys(files))
	return d
}

// secrets are those that the job brings; tokens are known by their form.
type secrets []string

var token = regexp.MustCompile(`eyJ[\w-]{8,}\.|ZXlK[\w+/]{8,}|YWNtZSt`)

func (s secrets) in(text string) bool {
	return token.MatchString(text) || s.brought(text)
}

// brought reports one of the job's own secrets.
func (s secrets) brought(text string) bool {
	return slices.ContainsFunc(s, func(secret string) bool { return strings.Contains(text, secret) })
}

// leaks are the places in which a secret came to light.
func (d deeds) leaks(known secrets, w watched) []string {
	var leaks []string
	for _, child := range d.children {
		if known.in(child) {
			leaks = append(leaks, "a child's arguments or environment hold a secret: "+child)
		}
	}
	for _, write := range d.written {
		mask := write.descriptor == "1" && strings.HasPrefix(write.data, `"::add-mask::`)
		meant := w.keep != "" && (write.path == w.keep || write.path == podmans+".N") || w.prints && write.descriptor == "1"
		socket := strings.HasPrefix(write.path, "socket:") || strings.HasPrefix(write.path, "TCP")
		switch {
		case socket || mask && !known.brought(write.data):
		case meant && !known.brought(write.data):
		case known.in(write.data):
			leaks = append(leaks, fmt.Sprintf("a secret was written to %s (%s)", write.path, write.descriptor))
		}
	}
	return leaks
}

// TestLeaksAreSeen lets a shell do with a token what the program must not.
func TestLeaksAreSeen(t *testing.T) {
	for name, script := range map[string]string{
		"none":        `/bin/true; echo words >file; echo words >&2`,
		"argument":    `/bin/true "$token"`,
		"environment": `SECRET=$token /bin/true`,
		"secret":      `/bin/true ` + sandbox.ClientSecret,
		"file":        `echo "token: $token" >file`,
		"auth file":   `echo "$login" >file`,
		"stdout":      `echo "$token"`,
		"stderr":      `echo "$token" >&2`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newJob(t).home(t, "")
			id := lab.Read(t, h.env["QUAY_ID_TOKEN_FILE"])
			lab.Write(t, filepath.Join(h.folder, "both"), id+"\n"+base64.StdEncoding.EncodeToString([]byte("acme+ci:"+id))+"\n", 0o600)
			command := h.command(nil)
			command.Args = []string{"/bin/sh", "-c", "{ read -r token; read -r login; } <both; " + script}
			log, outcome := watch(t, command)
			found := look(log, h.folder).leaks(secrets{sandbox.ClientSecret}, watched{})
			if outcome.Exit != 0 || (len(found) == 1) == (name == "none") || len(found) > 1 {
				t.Errorf("exit code %d, leaks: %q", outcome.Exit, found)
			}
		})
	}
}

// TestDumpHasNoSecrets makes the program dump all its stacks while it holds an ID token,
// and while it holds a robot token.
func TestDumpHasNoSecrets(t *testing.T) {
	for _, stage := range []string{sandbox.Exchange, sandbox.Auth} {
		t.Run(stage, func(t *testing.T) {
			h, known := newWatched(t)
			h.Fault(sandbox.Fault{Target: stage, Kind: sandbox.Slow})
			t.Cleanup(h.ClearFaults)
			command := h.command([]string{"GOTRACEBACK=system"}, "login").Start(t)
			var said bytes.Buffer
			command.Stdout, command.Stderr = &said, &said
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			ended := until(t, command, func() bool { return h.Requests(stage) > 0 })
			if err := command.Process.Signal(syscall.SIGQUIT); err != nil {
				t.Fatal(err)
			}
			<-ended
			if !strings.Contains(said.String(), "goroutine ") {
				t.Errorf("it did not crash:\n%s", said.String())
			}
			if known.in(said.String()) {
				t.Error("the dump holds a secret")
			}
		})
	}
}
