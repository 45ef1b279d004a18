// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quay-keyless/internal/sandbox"
)

var (
	// jwt is the shape of every ID token and robot token.
	jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)
	// encoded is a run of base64 that is long enough for a login.
	encoded = regexp.MustCompile(`[A-Za-z0-9+/]{40,}={0,2}`)
	// marked is a permanent password or an API token of the sandbox's.
	marked = regexp.MustCompile(`QUAYSANDBOXSECRET\w`)
)

// holdsSecret finds a token in text, as it is or in the base64 of a login.
func holdsSecret(text string) bool {
	if jwt.MatchString(text) || marked.MatchString(text) {
		return true
	}
	for _, run := range encoded.FindAllString(text, -1) {
		run = strings.TrimRight(run, "=")
		plain, err := base64.RawStdEncoding.DecodeString(run[:len(run)-len(run)%4])
		if err == nil && (jwt.Match(plain) || marked.Match(plain)) {
			return true
		}
	}
	return false
}

// findSecrets is what every script ends with: nothing that the program said or
// was called with holds a token, but for the runner's masks, and no file that
// others can read does.
func findSecrets(work string) error {
	said, err := os.ReadFile(recordPath(work))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(string(said)) {
		login := strings.Contains(line, sandbox.ClientSecret) || strings.Contains(line, sandbox.UserPassword)
		if !strings.HasPrefix(line, "::add-mask::") && (login || holdsSecret(line)) {
			return fmt.Errorf("the program said a secret: %s", line)
		}
	}
	return filepath.WalkDir(work, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || path == recordPath(work) {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && holdsSecret(string(text)) {
			return fmt.Errorf("%s (mode %s) holds a secret", path, info.Mode())
		}
		return err
	})
}

func TestSecretsAreFound(t *testing.T) {
	t.Parallel()
	token := "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
	for _, text := range []string{
		"bearer " + token,
		"Bearer QUAYSANDBOXSECRETABC",
		base64.StdEncoding.EncodeToString([]byte("acme+ci:QUAYSANDBOXSECRETABCDEFGHIJKL")),
		`{"auth": "` + base64.StdEncoding.EncodeToString([]byte("acme+ci:"+token)) + `"}`,
		base64.StdEncoding.EncodeToString([]byte("acme+c:" + token)),
		base64.StdEncoding.EncodeToString([]byte("acme+:" + token)),
	} {
		if !holdsSecret(text) {
			t.Errorf("not found in %q", text)
		}
	}
	if holdsSecret("logged in to 127.0.0.1:443 as acme+ci until 10:00 UTC (60 minutes)") {
		t.Error("found where there is none")
	}
}
