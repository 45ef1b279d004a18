// SPDX-License-Identifier: Apache-2.0

package login

import (
	"fmt"

	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
)

// elsewhere helps with every problem of a file that others own.
const elsewhere = "a folder of its own for this login: --isolated; one file: --authfile PATH, and REGISTRY_AUTH_FILE=PATH for the steps that follow"

// ConflictWords says what would hide a login from tools, and what to do.
func ConflictWords(c lookup.Conflict, exports []lookup.Variable) platform.Message {
	message := func(hint, text string, args ...any) platform.Message {
		return platform.Message{Text: fmt.Sprintf(text, args...), Hints: []string{hint}}
	}
	tools := Enumerated(c.Tools)
	switch c.Kind {
	case lookup.OtherHelper:
		m := message("remove the registry from credHelpers there, or let quay-keyless do it: --credential-helper",
			"%s names the credential helper %q for this registry, and every tool asks it first", c.Path, c.Key)
		m.Hints = append(m.Hints, "a folder of its own for this login, without that helper: --isolated")
		return m
	case lookup.NarrowerKey:
		m := message(fmt.Sprintf("log out there: podman logout --authfile %s %s", platform.Shell(c.Path), platform.Operand(c.Key)),
			"%s has a login for %s, which %s prefer to one for the whole registry", c.Path, c.Key, tools)
		m.Hints = append(m.Hints, fmt.Sprintf("or log in to %s instead", c.Key))
		return m
	case lookup.Unusable:
		return platform.Message{Text: c.Err.Error(), Hints: FileHints(c.Err)}
	case lookup.OtherStore:
		return message("use --credential-helper: tools prefer it to the store",
			"%s ask the credential store %q that %s names, not the login", tools, c.Key, c.Path)
	case lookup.BrokenEntry:
		return message(fmt.Sprintf("log in to %s again, or remove it: docker logout %s", c.Key, platform.Operand(c.Key)),
			"the login for %s in %s is broken: docker loses other logins at random because of it, and crane reads none", c.Key, c.Path)
	case lookup.OtherLogin:
		return message("log in to "+c.Key+" without an organization to replace it",
			"%s know one login for %s, and %s has another one: they keep that", tools, c.Key, c.Path)
	case lookup.DockerAuthConfig:
		return message("unset DOCKER_AUTH_CONFIG in the job, or use --isolated, which copies its other logins",
			"the variable DOCKER_AUTH_CONFIG has a login for %s, which docker (from 28.3) and crane prefer to any file", c.Key)
	case lookup.HelmFile:
		return message("helm registry logout "+platform.Operand(c.Key),
			"helm prefers its own login for %s in %s", c.Key, c.Path)
	case lookup.NoAuthFiles:
		return message(`add "containers-auth.json" to credential-helpers there`,
			"%s sends %s to the credential helpers %s, and to no auth file", c.Path, tools, c.Key)
	case lookup.CreatedFile:
		return message("--isolated copies these logins; or log in to these registries with docker login or crane auth login",
			"crane, ko and cosign read %s only if docker has no config.json, so they lose its logins for %s until logout", c.Path, c.Key)
	}
	return noRuntimeDirWords(exports)
}

func noRuntimeDirWords(exports []lookup.Variable) platform.Message {
	lines := []string{"a folder with all logins, and the variables for it: --isolated"}
	if len(exports) > 0 {
		lines = nil
	}
	for _, variable := range exports {
		lines = append(lines, "export "+variable.Name+"="+platform.Shell(variable.Value))
	}
	return platform.Message{
		Text:  "this user has no XDG_RUNTIME_DIR of its own, without which skopeo finds no login, and podman and buildah look in different places",
		Hints: lines,
	}
}
