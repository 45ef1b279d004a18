// SPDX-License-Identifier: Apache-2.0

// Package credhelper is what the program needs to be a docker credential helper:
// the protocol, the settings that a login leaves for it, and its place on PATH.
// The settings hold no secret.
package credhelper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/idtoken"
)

// Program is the name by which tools look for the helper on PATH; they put the fixed
// prefix before what an auth file calls it.
const Program = "docker-credential-" + authfile.OwnHelper

// ErrNotFound is the answer for a host that is not ours. Its words are part of the
// protocol: on standard output, with exit code 1, they make a tool continue its search,
// while it stops at every other failure (docker-credential-helpers,
// credentials/error.go).
var ErrNotFound = errors.New("credentials not found in native keychain")

// Called reports whether a program's name, as the process was started, is the
// helper's.
func Called(program string) bool {
	name := filepath.Base(program)
	return strings.TrimSuffix(strings.ToLower(name), ".exe") == Program
}

// maxHost is far above a URL with a registry in it.
const maxHost = 4 << 10

// ReadHost reads what tools write to get: the host in lower case, whether it came
// bare, as a URL, or with a repository behind it as crane does by credsStore.
func ReadHost(stdin io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(stdin, maxHost+1))
	if err != nil {
		return "", fmt.Errorf("standard input, where the registry's name should be: %w", err)
	}
	if len(text) > maxHost {
		return "", errors.New("standard input is too long for a registry's name")
	}
	host := strings.TrimSpace(string(text))
	if _, after, ok := strings.Cut(host, "://"); ok {
		host = after
	}
	host, _, _ = strings.Cut(host, "/")
	if host == "" {
		return "", errors.New("no registry's name on standard input")
	}
	return strings.ToLower(host), nil
}

// WriteCredential answers get: the host, the robot's full name, and the robot
// token as the password. A user named <token> would make tools post to the token
// endpoint, where Quay answers 405.
func WriteCredential(stdout io.Writer, host, robot string, token idtoken.Secret) error {
	return json.NewEncoder(stdout).Encode(struct{ ServerURL, Username, Secret string }{host, robot, token.Reveal()})
}
