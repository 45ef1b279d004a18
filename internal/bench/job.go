// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// systemRoots is where Debian keeps the system's certificates.
const systemRoots = "/etc/ssl/certs/ca-certificates.crt"

// place is where the servers of a job are: Quay and GitHub have an address each,
// as they have in life, so that nobody asks both over one connection.
type place struct {
	listen, hostname string   // as in the sandbox's configuration
	names            []string // more addresses of the server
	gitHub           string   // the address among them that stands for GitHub
}

// job is a GitHub job that trusts the sandbox as it trusts the system's roots.
type job struct {
	registry    string
	environment []string
}

// startJob starts a sandbox, in a process of its own: memory that this one needs
// would be counted as its children's.
func startJob(ctx context.Context, folder string, where place) (started *job, stop func(), err error) {
	if folder, err = os.MkdirTemp(folder, "job-"); err != nil {
		return nil, nil, err
	}
	config, certs := filepath.Join(folder, "sandbox.yaml"), filepath.Join(folder, "certs")
	text := fmt.Sprintf("listen: %q\nhostname: %q\nnames: [%q]\n", where.listen, where.hostname, strings.Join(where.names, `", "`))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, nil, err
	}
	if err := os.Mkdir(certs, 0o700); err != nil {
		return nil, nil, err
	}
	ca := filepath.Join(certs, "ca.crt")
	server := exec.CommandContext(ctx, filepath.Join(filepath.Dir(folder), "quay-sandbox"), "-config", config, "-ca-file", ca)
	stdout, err := server.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	var words bytes.Buffer
	server.Stderr = &words
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if this process is killed
	if err := server.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() { _ = server.Process.Kill(); _ = server.Wait() }
	variables, err := exports(bufio.NewScanner(stdout))
	if err == nil {
		started, err = newJob(folder, ca, where, variables)
	}
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("quay-sandbox: %w\n%s", err, &words)
	}
	return started, stop, nil
}

// requestURL is the last variable that the sandbox says.
const (
	requestURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	requestToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

// exports reads what quay-sandbox says to a shell.
func exports(lines *bufio.Scanner) (map[string]string, error) {
	variables := map[string]string{}
	for lines.Scan() {
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		variables[name] = strings.Trim(value, "'")
		if variables[requestURL] != "" && variables[requestToken] != "" {
			return variables, nil
		}
	}
	return nil, errors.Join(errors.New("it ended"), lines.Err())
}

// newJob is the environment of a job at that sandbox.
func newJob(folder, ca string, where place, variables map[string]string) (*job, error) {
	roots, err := os.ReadFile(systemRoots)
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	bundle := filepath.Join(folder, "roots.pem")
	if err := os.WriteFile(bundle, append(roots, own...), 0o600); err != nil {
		return nil, err
	}
	registry := variables["QUAY_REGISTRY"]
	_, port, err := net.SplitHostPort(registry)
	if err != nil {
		return nil, err
	}
	return &job{registry, []string{
		"CI=true", "GITHUB_ACTIONS=true",
		requestURL + "=" + strings.Replace(variables[requestURL], registry, net.JoinHostPort(where.gitHub, port), 1),
		requestToken + "=" + variables[requestToken],
		"QUAY_REGISTRY=" + registry,
		"INPUT_ROBOT=acme+ci", // of the action; the others are told by their commands
		"SSL_CERT_FILE=" + bundle, "CURL_CA_BUNDLE=" + bundle, "CERTS=" + filepath.Dir(ca),
		"PATH=" + os.Getenv("PATH"),
	}}, nil
}
