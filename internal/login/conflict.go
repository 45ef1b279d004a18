// SPDX-License-Identifier: Apache-2.0

package login

import (
	"fmt"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
)

// elsewhere helps with every problem of a file that others own.
const elsewhere = "a folder of its own for this login: --isolated; one file: --authfile PATH, and REGISTRY_AUTH_FILE=PATH for the steps that follow"

// ConflictWords says what would hide a login from tools, and what to do.
func ConflictWords(c authfile.Conflict, exports []authfile.Variable) platform.Message {
	switch c.Kind {
	case authfile.OtherHelper:
		return platform.Message{
			Text:  fmt.Sprintf("%s gives this registry's logins to the credential helper %q, which every tool asks first", c.Path, c.Key),
			Hints: []string{"take the registry out of credHelpers there, or let our helper do it: --credential-helper", elsewhere},
		}
	case authfile.NarrowerKey:
		return platform.Message{
			Text:  fmt.Sprintf("%s has a login for %s, which goes before one for the whole registry", c.Path, c.Key),
			Hints: []string{fmt.Sprintf("log in to %s instead, or log out there: podman logout --authfile %s %s", c.Key, platform.Shell(c.Path), platform.Operand(c.Key)), elsewhere},
		}
	case authfile.Unusable:
		return platform.Message{Text: c.Err.Error(), Hints: FileHints(c.Err)}
	case authfile.OtherStore:
		return platform.Message{
			Text:  fmt.Sprintf("docker, crane and helm ask the credential store %q that %s names, and not the login", c.Key, c.Path),
			Hints: []string{"--credential-helper goes before the store; podman, buildah and skopeo find the login as it is"},
		}
	case authfile.BrokenEntry:
		return platform.Message{
			Text:  fmt.Sprintf("the login for %s in %s is broken, at which docker loses others at random and crane reads none", c.Key, c.Path),
			Hints: []string{fmt.Sprintf("log in to %s again, or take it out: docker logout %s", c.Key, platform.Operand(c.Key))},
		}
	case authfile.DockerAuthConfig:
		return platform.Message{
			Text:  "the variable DOCKER_AUTH_CONFIG has a login for " + c.Key + ", which docker (from 28.3) and crane take before any file",
			Hints: []string{"unset DOCKER_AUTH_CONFIG in the job; podman, buildah and skopeo do not look at it"},
		}
	}
	return noRuntimeDirWords(exports)
}

func noRuntimeDirWords(exports []authfile.Variable) platform.Message {
	var lines []string
	for _, variable := range exports {
		lines = append(lines, "export "+variable.Name+"="+platform.Shell(variable.Value))
	}
	return platform.Message{
		Text:  "this user has no XDG_RUNTIME_DIR of its own, without which skopeo finds no login, and podman and buildah look in different places",
		Hints: lines,
	}
}
