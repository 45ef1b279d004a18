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

// entry is the federation entry that this job's ID token needs.
func entry(t request.Target, claims idtoken.Claims) *platform.Entry {
	return &platform.Entry{
		Robot:   t.Robot.String(),
		Issuer:  claims.Issuer,
		Subject: claims.Subject,
		Command: AddCommand(t, claims),
	}
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

// inQuay is the entry in Quay's web interface.
func inQuay(entry *platform.Entry) string {
	return fmt.Sprintf("in Quay, at the robot account %s, choose Set robot federation and add Issuer URL \"%s\" and Subject \"%s\"",
		entry.Robot, entry.Issuer, entry.Subject)
}

// byCommand is the entry for a shell.
func byCommand(entry *platform.Entry) string {
	return "or, with a token for Quay's API in QUAY_API_TOKEN: " + entry.Command
}

// byAPI is the entry for the user's own scripts. It is not a command to paste, because
// one that reads, adds and writes would drop unknown fields.
func byAPI(t request.Target, claims idtoken.Claims) string {
	entry, _ := json.Marshal(struct { // of two strings
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}{claims.Issuer, claims.Subject})
	return fmt.Sprintf("or by the API itself: GET %s, append %s, and POST the whole list there, which replaces the old one",
		apiAddress(t, robotPath(t.Robot)+"/federation"), entry)
}

// apiAddress is an address of Quay's API.
func apiAddress(t request.Target, path string) string {
	scheme := "https"
	if t.Registry.PlainHTTP {
		scheme = "http"
	}
	return scheme + "://" + t.Registry.Host + "/api/v1" + path
}

// robotPath also works for the robots of users, in every release.
func robotPath(robot quay.Robot) string {
	return "/organization/" + robot.Namespace + "/robots/" + robot.Name
}

// setupCommand creates in Quay what a login needs and is missing.
func setupCommand(t request.Target, grant string, claims idtoken.Claims) string {
	return command(t, "setup", "--grant", grant, "--issuer", claims.Issuer, "--subject", claims.Subject)
}

// DoctorLine names the command that checks every link, with the same ID token as the
// login.
func DoctorLine(t request.Target) string {
	var audience []string
	if t.Audience != "" && t.Audience != request.DefaultAudience {
		audience = []string{"--audience", t.Audience}
	}
	return "to check every link, and with QUAY_API_TOKEN what the robot has stored: " + command(t, "doctor", audience...) + t.Identity
}

// atHost is the registry without an organization, as its API needs it.
func atHost(t request.Target) string {
	t.Registry.Namespace = ""
	return t.Registry.String()
}
