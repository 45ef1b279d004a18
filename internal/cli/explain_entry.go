// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// entry is the federation entry that would let this job's ID token in.
func (t target) entry(claims idtoken.Claims) *host.Entry {
	return &host.Entry{
		Robot:   t.robot.String(),
		Issuer:  claims.Issuer,
		Subject: claims.Subject,
		Command: t.addCommand(claims),
	}
}

// command is one of this program's about the target's robot, for a shell. It
// reaches the registry as the command line did that is under way.
func (t target) command(name string, words ...string) string {
	line := append([]string{t.atHost(), "--robot", t.robotName()}, words...)
	for i, word := range line {
		line[i] = shell(word)
	}
	return "quay-keyless " + name + " " + strings.Join(line, " ") + t.reach
}

// robotName is the robot's, or what stands for one that was not named.
func (t target) robotName() string {
	if t.robot == (quay.Robot{}) {
		return "ORG+NAME"
	}
	return t.robot.String()
}

// addCommand adds a federation entry. The audience is left out: a Quay that
// keeps audiences assumes ours, the others would lose it (measured).
func (t target) addCommand(claims idtoken.Claims) string {
	return t.command("federation add", "--issuer", claims.Issuer, "--subject", claims.Subject)
}

// listCommand prints the federation entries that are stored.
func (t target) listCommand() string { return t.command("federation list") }

// inQuay is the entry in Quay's web interface.
func inQuay(entry *host.Entry) string {
	return fmt.Sprintf("in Quay, at the robot account %s, choose Set robot federation and add Issuer URL \"%s\" and Subject \"%s\"",
		entry.Robot, entry.Issuer, entry.Subject)
}

// byCommand is the entry for a shell.
func byCommand(entry *host.Entry) string {
	return "or, with a token for Quay's API in QUAY_API_TOKEN: " + entry.Command
}

// byAPI is the entry for scripts of the user's own. It is no command line to
// paste: one that reads, adds and writes drops what it does not know.
func byAPI(t target, claims idtoken.Claims) string {
	entry, _ := json.Marshal(struct { // of two strings
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
	}{claims.Issuer, claims.Subject})
	return fmt.Sprintf("or by the API itself: GET %s, append %s, and POST the whole list there, which replaces the old one",
		apiAddress(t, robotPath(t.robot)+"/federation"), entry)
}

// apiAddress is an address of Quay's API.
func apiAddress(t target, path string) string {
	scheme := "https"
	if t.registry.PlainHTTP {
		scheme = "http"
	}
	return scheme + "://" + t.registry.Host + "/api/v1" + path
}

// robotPath works for the robots of persons too, and in each release (measured).
func robotPath(robot quay.Robot) string {
	return "/organization/" + robot.Namespace + "/robots/" + robot.Name
}

// setupCommand makes in Quay what a login needs, as far as it is missing.
func (t target) setupCommand(grant string, claims idtoken.Claims) string {
	return t.command("setup", "--grant", grant, "--issuer", claims.Issuer, "--subject", claims.Subject)
}

// doctorLine names the command that looks at every link of the chain, with the ID
// token that the login showed to Quay, by its audience.
func (t target) doctorLine() string {
	var audience []string
	if t.audience != "" && t.audience != defaultAudience {
		audience = []string{"--audience", t.audience}
	}
	return "to check every link, and with QUAY_API_TOKEN what the robot has stored: " + t.command("doctor", audience...) + t.identity
}

// atHost is the registry as its API is told of it: without an organization.
func (t target) atHost() string {
	t.registry.Namespace = ""
	return t.registry.String()
}
