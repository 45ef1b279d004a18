// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/process"
	"quay-keyless/internal/sandbox"
)

// TestMain puts the real program on PATH, and two that keep no promise.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"quay-keyless": func() { os.Exit(cli.Main(context.Background(), process.OS("v0.0.0-test", ""))) },
		"does-nothing": func() {},
		"fails":        func() { os.Exit(3) },
	})
}

var jwt = regexp.MustCompile(`ey[\w-]{10,}\.[\w-]+`)

func TestDemoShowsTheProgram(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"demo", "quay-keyless"}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	for _, step := range []string{"1. ", "2. ", "7. A push is unauthorized now."} {
		if !strings.Contains("\n"+stdout.String(), "\n"+step) {
			t.Errorf("no step %q in\n%s", step, &stdout)
		}
	}
	for _, word := range []string{"logged in", "Token does not match robot", "repo:acme/app:ref:refs/heads/feature", "logged out"} {
		if !strings.Contains(stderr.String(), word) {
			t.Errorf("the program's words lack %q:\n%s", word, &stderr)
		}
	}
	if found := jwt.FindString(stdout.String() + stderr.String()); found != "" {
		t.Errorf("a token is on the screen: %.20s…", found)
	}
}

func TestDemoFailsWithAProgramThatDoesNotKeepItsPromise(t *testing.T) {
	for program, want := range map[string]string{
		"does-nothing":    "push after the login",
		"fails":           "login ended with exit code 3, not 0",
		"no-such-program": "executable file not found",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"demo", program}, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, %s", program, code, &stderr)
		}
	}
}

var exportLine = regexp.MustCompile(`(?m)^export (\w+)='(.*)'$`)

// served starts quay-sandbox until the test ends and gives its export lines.
func served(t *testing.T, args ...string) map[string]string {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	stdout, writer := io.Pipe()
	ended := make(chan int)
	go func() {
		code := run(ctx, args, writer, io.Discard)
		_ = writer.Close()
		ended <- code
	}()
	t.Cleanup(func() {
		interrupt()
		if code := <-ended; code != 0 {
			t.Errorf("ended with %d", code)
		}
	})
	exports := map[string]string{}
	buffer := make([]byte, 4096)
	for exports[requestToken] == "" {
		n, err := stdout.Read(buffer)
		if err != nil {
			t.Fatalf("no export lines: %v", err)
		}
		for _, line := range exportLine.FindAllStringSubmatch(string(buffer[:n]), -1) {
			exports[line[1]] = line[2]
		}
	}
	return exports
}

func clientOf(t *testing.T, exports map[string]string) *http.Client {
	t.Helper()
	ca, err := os.ReadFile(exports["QUAY_CA_CERTIFICATE"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

func get(t *testing.T, client *http.Client, request *http.Request) (int, string) {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestTheExportedSettingsWork(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	exports := served(t, "--ca-file", ca, "--fault", "ping=503,times=1")
	if exports["QUAY_CA_CERTIFICATE"] != ca || exports["QUAY_ROBOT"] != "acme+ci" {
		t.Errorf("exports %v", exports)
	}
	client := clientOf(t, exports)
	request, err := http.NewRequest("GET", exports[requestURL]+"&audience=quay", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "bearer "+exports[requestToken])
	_, text := get(t, client, request)
	var answer struct{ Value string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	base := "https://" + exports["QUAY_REGISTRY"]
	management, err := http.NewRequest("GET", base+"/api/v1/organization/acme/robots/ci/federation", nil)
	if err != nil {
		t.Fatal(err)
	}
	management.Header.Set("Authorization", "Bearer "+exports["QUAY_API_TOKEN"])
	if status, body := get(t, client, management); status != http.StatusOK {
		t.Errorf("Quay's API: %d %s", status, body)
	}
	exchange, err := http.NewRequest("GET", base+"/oauth2/federation/robot/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	exchange.SetBasicAuth(exports["QUAY_ROBOT"], answer.Value)
	if status, body := get(t, client, exchange); status != http.StatusOK {
		t.Errorf("exchange: %d %s", status, body)
	}
	ping, err := http.NewRequest("GET", base+"/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{503, 401} {
		if status, _ := get(t, client, ping); status != want {
			t.Errorf("ping: %d, want %d", status, want)
		}
	}
}

func TestATemporaryCAGoesAwayWithTheSandbox(t *testing.T) {
	var file string
	t.Run("while it runs", func(t *testing.T) {
		file = served(t)["QUAY_CA_CERTIFICATE"]
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	})
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", file, err)
	}
}

func TestConfigurationAndUsage(t *testing.T) {
	config := filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(config, []byte("release: 3.16.2\nlisten: localhost:0\nrobots: [{name: acme+only}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := parse([]string{"--config", config, "--release", "3.18", "--listen", "127.0.0.1:1"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := s.readConfig(io.Discard)
	if err != nil || cfg.Release != "3.18" || cfg.Listen != "127.0.0.1:1" || len(cfg.Robots) != 1 {
		t.Errorf("%+v %v, want the flags to win", cfg, err)
	}
	if exports := served(t, "--config", config); exports["QUAY_ROBOT"] != "acme+only" || !strings.HasPrefix(exports["QUAY_REGISTRY"], "localhost:") {
		t.Errorf("exports %v", exports)
	}
	for _, test := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"--help"}, 0, "quay-sandbox demo PROGRAM"},
		{[]string{"--colour"}, 2, "colour"},
		{[]string{"demo"}, 2, "usage: quay-sandbox demo PROGRAM"},
		{[]string{"serve"}, 2, `unknown argument "serve"`},
		{[]string{"--fault", "exchange=dance"}, 2, "dance"},
		{[]string{"--config", "/does/not/exist"}, 1, "error: open /does/not/exist"},
		{[]string{"--release", "2.0"}, 1, `release "2.0" is unknown: one of 3.12, 3.16.2, ` + sandbox.DefaultRelease},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), test.args, io.Discard, &stderr); code != test.code || !strings.Contains(stderr.String(), test.said) {
			t.Errorf("%v: exit code %d, %s", test.args, code, &stderr)
		}
	}
}
