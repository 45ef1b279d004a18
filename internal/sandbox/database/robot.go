// SPDX-License-Identifier: Apache-2.0

package database

import (
	"crypto/rand"
	"maps"
	"slices"
	"time"
)

// Role is the right to read, write or administer a repository.
type Role string

// The roles of Quay's permission API.
const (
	Read  Role = "read"
	Write Role = "write"
	Admin Role = "admin"
)

func (r Role) allows(action string) bool {
	switch action {
	case "pull":
		return r != ""
	case "push":
		return r == Write || r == Admin
	default:
		return r == Admin
	}
}

// Robot is one robot account. Name is the full one, org+name. Disabled means
// the robot's own row (the exchange then fails with a 500); Creator may create
// repositories in its organization; Grants maps org/repository to a role.
type Robot struct {
	Name       string          `yaml:"name"`
	Password   string          `yaml:"password"`
	Disabled   bool            `yaml:"disabled"`
	Creator    bool            `yaml:"creator"`
	Federation []Entry         `yaml:"federation"`
	Grants     map[string]Role `yaml:"grants"`
	// Description and Metadata are what the API shows.
	Description string         `yaml:"description"`
	Metadata    map[string]any `yaml:"metadata"`

	// Created is when the robot was made, LastAccessed when it last logged in to
	// the registry.
	Created      time.Time `yaml:"-"`
	LastAccessed time.Time `yaml:"-"`

	order int
}

func (r *Robot) copy() Robot {
	robot := *r
	robot.Grants = maps.Clone(r.Grants)
	robot.Federation = slices.Clone(r.Federation)
	return robot
}

// Entry is one federation entry. Issuer is a URL, or the short name of one of
// the sandbox's own issuers ("github"), or has ${SELF} in it for the sandbox's
// URL. BrokenAudiences means stored audiences that are not a list of strings,
// Fields is whatever else is stored in the entry.
type Entry struct {
	Issuer          string         `yaml:"issuer"`
	Subject         string         `yaml:"subject"`
	Audiences       []string       `yaml:"audiences"`
	BrokenAudiences bool           `yaml:"broken_audiences"`
	Fields          map[string]any `yaml:"fields"`
}

// Secret is a new credential that a search for leaked ones finds.
func Secret() string { return "QUAYSANDBOXSECRET" + rand.Text() }
