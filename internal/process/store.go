// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
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
