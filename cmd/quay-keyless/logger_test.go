// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A registry that goes on writing after its answer makes net/http log those bytes,
// which a CI system may take for a command. The ID token comes only after the program
// has closed that connection, so whatever there is to log has been logged.
func TestForeignBytesReachNoLog(t *testing.T) {
	t.Parallel()
	const command = "##vso[task.setvariable variable=X]yes"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	registry := make(chan error, 1)
	go func() { registry <- talkOn(listener, command) }()
	closed := make(chan error, 1)
	runner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		closed <- <-registry
		w.WriteHeader(http.StatusForbidden)
	}))
	defer runner.Close()
	defer listener.Close()

	home := t.TempDir()
	login := exec.CommandContext(t.Context(), "quay-keyless", "login", "http://"+listener.Addr().String(), "--robot", "acme+ci", "--authfile", filepath.Join(home, "auth.json"))
	login.Env = []string{"HOME=" + home, "WORK=" + home, "ACTIONS_ID_TOKEN_REQUEST_URL=" + runner.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN=x"}
	said, err := login.CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Fatalf("%v, want exit code 3:\n%s", err, said)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(said, []byte("vso")) || bytes.Contains(said, []byte("nsolicited")) {
		t.Errorf("the registry's bytes reached the log:\n%s", said)
	}
}

// talkOn answers one request as a registry does, writes on, and waits until the
// program closes the connection.
func talkOn(listener net.Listener, more string) error {
	connection, err := listener.Accept()
	if err != nil {
		return err
	}
	defer connection.Close()
	if _, err := http.ReadRequest(bufio.NewReader(connection)); err != nil {
		return err
	}
	if _, err := io.WriteString(connection, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"+more); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, connection)
	if err != nil && strings.Contains(err.Error(), "reset") { // closed with bytes that were not read
		return nil
	}
	return err
}
