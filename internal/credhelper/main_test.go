// SPDX-License-Identifier: Apache-2.0

package credhelper_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/ownfile"
)

const host = "quay.example:8443"

// settings are those of a GitHub job.
func settings(robot string) credhelper.Settings {
	return credhelper.Settings{
		Registry: host, Robot: robot, Audience: "quay", Source: "github",
		CA: "-----BEGIN CERTIFICATE-----\n", TLSVerify: true, Timeout: "1m30s",
	}
}

// by is the trust of the user who runs the test.
func by() ownfile.Trust { return ownfile.By(os.Getuid(), "") }

func store(t *testing.T, folder string) *credhelper.Store {
	t.Helper()
	return credhelper.Beside(filepath.Join(folder, "config.json"), by())
}

// nobody else needs the helper for a host.
func nobody(string) bool { return false }

// loggedIn is a login that goes well.
func loggedIn() error { return nil }

// set keeps settings for hosts and gives what takes them back.
func set(t *testing.T, s *credhelper.Store, program *credhelper.Installed, robot string, hosts ...string) func(context.Context) error {
	t.Helper()
	all := map[string]credhelper.Settings{}
	for _, host := range hosts {
		all[host] = settings(robot)
	}
	undo, err := s.Set(t.Context(), all, program, loggedIn)
	if err != nil {
		t.Fatal(err)
	}
	return undo
}

// at is what decides where the tools of this user look.
func at(getenv func(string) string) lookup.Place {
	return lookup.Place{Getenv: getenv, UID: os.Getuid(), OS: "linux", Trust: by()}
}

// in is an environment whose DOCKER_CONFIG is the folder.
func in(folder string) func(string) string {
	return func(name string) string { return map[string]string{"DOCKER_CONFIG": folder}[name] }
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
