// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"

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
		Command: addCommand(t.atHost(), t.robot.String(), claims),
	}
}

// addCommand adds a federation entry. The audience is left out: a Quay that
// keeps audiences assumes ours, the others would lose it (contract, section 5).
func addCommand(registry, robot string, claims idtoken.Claims) string {
	return fmt.Sprintf("quay-keyless federation add %s --robot %s --issuer %s --subject %s",
		shell(registry), shell(robot), shell(claims.Issuer), shell(claims.Subject))
}

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

// robotPath works for the robots of persons too, and in each release (contract,
// section 5).
func robotPath(robot quay.Robot) string {
	return "/organization/" + robot.Namespace + "/robots/" + robot.Name
}

// setupCommand makes in Quay what a login needs, as far as it is missing.
func setupCommand(t target, grant string, claims idtoken.Claims) string {
	return fmt.Sprintf("quay-keyless setup %s --robot %s --grant %s --issuer %s --subject %s",
		shell(t.atHost()), shell(t.robot.String()), shell(grant), shell(claims.Issuer), shell(claims.Subject))
}

// doctorLine names the command that looks at every link of the chain.
func doctorLine(t target) string {
	return "to check every link, and with QUAY_API_TOKEN what the robot has stored: " + doctorCommand(t)
}

// doctorCommand shows Quay the ID token that the login showed it, by its audience.
func doctorCommand(t target) string {
	command := fmt.Sprintf("quay-keyless doctor %s --robot %s", shell(t.atHost()), shell(t.robot.String()))
	if t.audience != "" && t.audience != defaultAudience {
		command += " --audience " + shell(t.audience)
	}
	return command
}

// atHost is the registry as its API is told of it: without an organization.
func (t target) atHost() string {
	t.registry.Namespace = ""
	return t.registry.String()
}
