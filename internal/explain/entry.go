// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/json"
	"fmt"
	"strings"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// entrySteps add the federation entry that this job's ID token needs.
func entrySteps(t request.Target, claims idtoken.Claims) []platform.Step {
	return []platform.Step{
		{Text: fmt.Sprintf("If this job should be allowed to log in, add in Quay, under Robot accounts > %s > Set robot federation:", t.Robot), Values: entryValues(claims)},
		paste("or, with an API token in "+request.APITokenVariable+":", AddCommand(t, claims)),
	}
}

// entryValues are a federation entry as Quay's web interface calls it.
func entryValues(claims idtoken.Claims) []platform.Value {
	return []platform.Value{{Name: "Issuer URL", Value: claims.Issuer}, {Name: "Subject", Value: claims.Subject}}
}

// claimsOf shows what an ID token says about the job.
func claimsOf(claims idtoken.Claims) platform.Step {
	return platform.Step{Text: "This job's ID token:", Values: []platform.Value{
		{Name: "Issuer", Value: platform.OrNone(claims.Issuer)}, {Name: "Subject", Value: platform.OrNone(claims.Subject)},
		{Name: "Audience", Value: platform.OrNone(strings.Join(claims.Audience, ", "))},
	}}
}

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

// listCommand prints the federation entries that are stored.
func listCommand(t request.Target) string { return command(t, "federation list") }

// byAPI is the entry for the user's own scripts. It is not a command to paste, because
// one that reads, adds and writes would drop unknown fields.
func byAPI(t request.Target, claims idtoken.Claims, owner quay.Owner) platform.Step {
	entry, _ := json.Marshal(struct { // of two strings
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}{claims.Issuer, claims.Subject})
	return platform.Step{Text: "With the API itself: GET the list at this address, append this entry, and POST the whole list there, which replaces the old one.",
		Values: []platform.Value{{Name: "Address", Value: apiAddress(t, robotPath(t.Robot, owner)+"/federation")}, {Name: "Entry", Value: string(entry)}}}
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

// DoctorCommand checks every link, with the same ID token as the login.
func DoctorCommand(t request.Target) string {
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
