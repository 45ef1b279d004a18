// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// credentialStore has a docker credential store list its registries, until ctx ends.
func credentialStore(ctx context.Context, name string) ([]byte, error) {
	if name == "" || strings.ContainsAny(name, `/\`) {
		return nil, fmt.Errorf("%q is not a credential store", name)
	}
	var answer bytes.Buffer
	command := exec.CommandContext(ctx, "docker-credential-"+name, "list") //nolint:gosec // docker runs it too
	command.Stdout, command.WaitDelay = &answer, 100*time.Millisecond
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("docker-credential-%s list: %w", name, err)
	}
	return answer.Bytes(), nil
}

// browse returns a function that opens an address in the user's browser, if there is a
// desktop. It does not wait for the browser, because the address was printed too.
func browse(getenv func(string) string, environment []string) func(context.Context, string) {
	return func(_ context.Context, address string) {
		program := opener(runtime.GOOS, getenv)
		if program == nil {
			return
		}
		command := exec.Command(program[0], append(program[1:], address)...) //nolint:gosec // one of three programs
		command.Env = harmless(environment)
		if command.Start() == nil {
			_ = command.Process.Release()
		}
	}
}

// opener is the system's program that opens an address; nil if there is none.
func opener(system string, getenv func(string) string) []string {
	switch {
	case system == "darwin":
		return []string{"open"}
	case system == "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	case getenv("DISPLAY")+getenv("WAYLAND_DISPLAY")+getenv("BROWSER") != "":
		return []string{"xdg-open"}
	}
	return nil
}

// harmless are the variables that a browser needs; others may hold secrets.
func harmless(environment []string) []string {
	known := strings.Fields("PATH HOME USER LANG DISPLAY WAYLAND_DISPLAY XAUTHORITY DBUS_SESSION_BUS_ADDRESS BROWSER SYSTEMROOT USERPROFILE APPDATA LOCALAPPDATA")
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !strings.HasPrefix(name, "XDG_") && !slices.Contains(known, strings.ToUpper(name))
	})
}
