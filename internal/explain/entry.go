// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/json"
	"slices"
	"strings"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// command is a command line about the target's robot, for a shell. It reaches the
// registry with the same flags as the running command.
func command(t request.Target, name string, words ...string) string {
	line := append([]string{atHost(t), "--robot", RobotName(t)}, words...)
	for i, word := range line {
		line[i] = platform.Shell(word)
	}
	return "quay-keyless " + name + " " + strings.Join(line, " ") + t.Reach
}

// RobotName is the robot's, or a placeholder.
func RobotName(t request.Target) string {
	if t.Robot == (quay.Robot{}) {
		return "ORG+NAME"
	}
	return t.Robot.String()
}

// AddCommand adds a federation entry. It names no audience: a Quay that keeps audiences
// assumes quay, and older ones drop it.
func AddCommand(t request.Target, claims idtoken.Claims) string {
	return command(t, "federation add", "--issuer", claims.Issuer, "--subject", claims.Subject)
}

// apiAddress is an address of Quay's API.
func apiAddress(t request.Target, path string) string { return webAddress(t, "/api/v1"+path) }

func webAddress(t request.Target, path string) string {
	scheme := "https"
	if t.Registry.PlainHTTP {
		scheme = "http"
	}
	return scheme + "://" + t.Registry.Host + path
}

// robotPath is where the API has the robot.
func robotPath(robot quay.Robot, owner quay.Owner) string {
	if owner == quay.Person {
		return "/user/robots/" + robot.Name
	}
	return "/organization/" + robot.Namespace + "/robots/" + robot.Name
}

// setupCommand creates in Quay what a login needs and is missing.
func setupCommand(t request.Target, grant string, claims idtoken.Claims) string {
	return command(t, "setup", "--grant", grant, "--issuer", claims.Issuer, "--subject", claims.Subject)
}

// createCommand creates a robot account that does not exist.
func (f *facts) createCommand() string {
	if f.api != nil {
		return command(f.target, "setup", "--grant", "REPO=write", "--github", "OWNER/REPO", "--ref", "main")
	}
	return setupCommand(f.target, "REPO=write", f.claims)
}

// doctorCommand checks every link, with the same ID token as the login.
func doctorCommand(t request.Target) string {
	var audience []string
	if t.Audience != "" && t.Audience != request.DefaultAudience {
		audience = []string{"--audience", t.Audience}
	}
	return command(t, "doctor", audience...) + t.Identity
}

// atHost is the registry without an organization, as its API needs it.
func atHost(t request.Target) string {
	t.Registry.Namespace = ""
	return t.Registry.String()
}

// entryJSON is the federation entry for Quay's API. Scripts send it: a command to paste
// that reads, adds and writes would drop unknown fields.
func entryJSON(claims idtoken.Claims) string {
	entry, _ := json.Marshal(struct { // of two strings
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}{claims.Issuer, claims.Subject})
	return string(entry)
}

// audienceSteps let an ID token and its federation entry have the same audience.
func (f *facts) audienceSteps() []platform.Step {
	audience, wanted := "AUDIENCE", "the federation entry's audience"
	if !slices.Contains(f.claims.Audience, request.DefaultAudience) {
		audience, wanted = request.DefaultAudience, "the federation entry's audience, usually quay"
	}
	step := AskFor(f.source, wanted, audience)
	if len(step.Values) > 0 || len(f.claims.Audience) == 0 {
		return []platform.Step{step}
	}
	return []platform.Step{step, paste("If the provider cannot do that, let the entry expect this audience, with an API token in QUAY_API_TOKEN:",
		command(f.target, "federation add", "--issuer", f.claims.Issuer, "--subject", f.claims.Subject, "--audience", f.claims.Audience[0]))}
}

// AskFor says how the job gets an ID token for another audience. A flag helps only with
// sources that make the token on request.
func AskFor(source idtoken.Source, wanted, audience string) platform.Step {
	var way platform.Value
	switch {
	case source.Name == "gitlab":
		way = platform.Value{Name: "id_tokens", Value: "aud: " + audience}
	case source.ChoosesAudience:
		way = platform.Value{Name: "flag", Value: "--audience " + platform.Shell(audience)}
	default:
		return do("Configure the ID token's provider so that the token has %s. On GitLab, write aud: %s under id_tokens.", wanted, audience)
	}
	return platform.Step{Text: "Request an ID token with " + wanted + ":", Values: []platform.Value{way}}
}

// sourceFlag is the flag for the ID token of a platform without a source.
func sourceFlag(known idtoken.ManualPlatform) string {
	if known.File != "" {
		return "--id-token-file " + known.File
	}
	return "--id-token-env " + known.Variable
}
