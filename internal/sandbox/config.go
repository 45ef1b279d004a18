// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/sandbox/api"
	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/platform"
	"quay-keyless/internal/sandbox/quay"
)

// Config describes a sandbox. The zero value is useful: the newest release, and
// the robots of [DefaultRobots]. The fields with a YAML
// name can also be read from a file by [ReadConfig].
type Config struct {
	// Release is the Quay release to imitate: "3.18" (default), "3.16.2", "3.12"
	// for a Quay without robot federation, or "next" for one whose API stores
	// audiences.
	Release string `yaml:"release"`
	// Listen is the address that quay-sandbox serves, host:port.
	Listen string `yaml:"listen"`
	// Hostname is Quay's SERVER_HOSTNAME, host:port, if it differs from the address
	// that it listens on: behind a proxy, for example. Port 0 is that of Listen.
	Hostname string `yaml:"hostname"`
	// Names are further host names or addresses for the server certificate.
	Names []string `yaml:"names"`
	// Robots are the robot accounts, in place of [DefaultRobots].
	Robots []Robot `yaml:"robots"`
	// APITokens are those that Quay's API accepts; by default one of a user admin
	// who owns the organizations that the robots belong to. An empty Token is
	// replaced by a new one.
	APITokens []APIToken `yaml:"api_tokens"`
	// Users are people, in addition to those of the API tokens.
	Users []string `yaml:"users"`
	// Repositories (org/name) exist, in addition to those that a robot may use.
	Repositories []string `yaml:"repositories"`
	// RepositoryStates are the repositories that are not in the state NORMAL:
	// READ_ONLY or MIRROR.
	RepositoryStates map[string]string `yaml:"repository_states"`
	// GitHubSubjects are the repositories on GitHub (owner/name) whose subjects do
	// not have the old default form.
	GitHubSubjects map[string]GitHubSubject `yaml:"github_subjects"`
	// DisabledOrganizations are the owners whose robots the registry refuses.
	DisabledOrganizations []string `yaml:"disabled_organizations"`
	// RobotsDisallow is Quay's ROBOTS_DISALLOW, RobotsWhitelist its exceptions.
	RobotsDisallow  bool     `yaml:"robots_disallow"`
	RobotsWhitelist []string `yaml:"robots_whitelist"`
	// SuperusersFullAccess is Quay's FEATURE_SUPERUSERS_FULL_ACCESS.
	SuperusersFullAccess bool `yaml:"superusers_full_access"`
	// DatabaseDown begins with a database that fails; see
	// [database.Database.SetDatabaseDown].
	DatabaseDown bool `yaml:"database_down"`
	// ReadOnly is Quay's REGISTRY_STATE readonly.
	ReadOnly bool `yaml:"readonly"`
	// AppServer answers as Quay's app servers do without the nginx in front of
	// them: 431 for a long header, a closed connection for an unreachable issuer.
	AppServer bool `yaml:"app_server"`

	// IssuerCA holds PEM certificates to trust when fetching the discovery and
	// keys of foreign issuers, in addition to the system's roots; IssuerCAFile names a
	// file of them, which replaces it.
	IssuerCA     []byte `yaml:"-"`
	IssuerCAFile string `yaml:"issuer_ca_file"`
	// DiscoveryTimeout is Quay's limit for an issuer's discovery (default 5 s),
	// FrontTimeout that of nginx for the whole exchange (default 60 s).
	DiscoveryTimeout time.Duration `yaml:"-"`
	FrontTimeout     time.Duration `yaml:"-"`
	// Dial reaches the issuers (default: the system's network); see
	// [Sandbox.Serve].
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `yaml:"-"`
	// Now is the clock (default [time.Now]); see also [Sandbox.Advance].
	Now func() time.Time `yaml:"-"`
	// Log receives a line for each request that the sandbox does not implement
	// (default: none).
	Log io.Writer `yaml:"-"`
	// Keys are the signing keys (default: fresh ones, about 0.1 s each). Tests
	// that start many sandboxes share one.
	Keys *Keys `yaml:"-"`
}

// DefaultRobots are acme+ci, trusting the default job of each platform with
// audience quay and writing acme/app; acme+reader, the same with read only;
// acme+creator, which may create repositories; acme+nofed, without federation.
func DefaultRobots() []Robot {
	var trust []Entry
	for _, issuer := range []string{"github", "gitlab", "kubernetes"} {
		trust = append(trust, Entry{Issuer: issuer, Subject: platform.DefaultSubject(issuer), Audiences: []string{"quay"}})
	}
	return []Robot{
		{Name: "acme+ci", Federation: trust, Grants: map[string]Role{"acme/app": Write}},
		{Name: "acme+reader", Federation: trust, Grants: map[string]Role{"acme/app": Read}},
		{Name: "acme+creator", Federation: trust, Creator: true},
		{Name: "acme+nofed", Password: "STATIC-PASSWORD-OF-NOFED", Grants: map[string]Role{"acme/app": Write}},
	}
}

// ReadConfig reads a Config from YAML. A field that it does not know is an error.
func ReadConfig(data []byte) (Config, error) {
	var cfg Config
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&cfg); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("sandbox configuration: %w", err)
	}
	return cfg, cfg.validate()
}

// settings are those of Quay itself.
func (c *Config) settings() (*quay.Settings, error) {
	release, err := quay.ReleaseOf(c.Release)
	return &quay.Settings{
		Release: release, DisabledOrganizations: c.DisabledOrganizations,
		RobotsDisallow: c.RobotsDisallow, RobotsWhitelist: c.RobotsWhitelist,
		ReadOnly: c.ReadOnly, AppServer: c.AppServer, SuperusersFullAccess: c.SuperusersFullAccess,
		DiscoveryTimeout: c.DiscoveryTimeout, FrontTimeout: c.FrontTimeout,
	}, err
}

// fill adds what is configured to a database.
func (c *Config) fill(db *database.Database) {
	for _, user := range c.Users {
		db.AddPerson(user)
	}
	for _, token := range c.APITokens {
		db.AddPerson(token.User)
	}
	for _, token := range c.APITokens {
		for _, organization := range token.Organizations {
			db.AddOrganization(organization, token.User)
		}
	}
	for _, robot := range c.Robots {
		db.SetRobot(robot)
	}
	for _, repository := range c.Repositories {
		db.AddRepository(repository, database.Normal)
	}
	for repository, state := range c.RepositoryStates {
		db.AddRepository(repository, state)
	}
	db.SetDatabaseDown(c.DatabaseDown)
}

func (c *Config) setDefaults() {
	if c.Release == "" {
		c.Release = DefaultRelease
	}
	if c.Robots == nil {
		c.Robots = DefaultRobots()
	}
	c.setAPITokens()
	if c.DiscoveryTimeout == 0 {
		c.DiscoveryTimeout = 5 * time.Second
	}
	if c.FrontTimeout == 0 {
		c.FrontTimeout = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	if c.Keys == nil {
		c.Keys = NewKeys()
	}
}

// setAPITokens completes the tokens for the API.
func (c *Config) setAPITokens() {
	if c.APITokens == nil {
		owners := []string{"acme"}
		for _, robot := range c.Robots {
			if owner, _, _ := strings.Cut(robot.Name, "+"); !slices.Contains(owners, owner) {
				owners = append(owners, owner)
			}
		}
		c.APITokens = []APIToken{{User: "admin", Organizations: owners}}
	}
	c.APITokens = slices.Clone(c.APITokens)
	for i := range c.APITokens {
		token := &c.APITokens[i]
		token.Token = cmp.Or(token.Token, database.Secret())
		if token.Scopes == nil {
			token.Scopes = api.Scopes
		}
	}
}

func (c *Config) validate() error {
	if c.Release != "" {
		if _, err := quay.ReleaseOf(c.Release); err != nil {
			return err
		}
	}
	for _, token := range c.APITokens {
		for _, scope := range token.Scopes {
			if !slices.Contains(api.Scopes, scope) {
				return fmt.Errorf("API token of %s: scope %q is none of %s", token.User, scope, strings.Join(api.Scopes, ", "))
			}
		}
	}
	for _, robot := range c.Robots {
		if owner, short, ok := strings.Cut(robot.Name, "+"); !ok || owner == "" || short == "" {
			return fmt.Errorf("robot %q: the name is the full one, ORG+NAME", robot.Name)
		}
		for repository, role := range robot.Grants {
			if role != Read && role != Write && role != Admin {
				return fmt.Errorf("robot %s: role %q on %s is none of read, write, admin", robot.Name, role, repository)
			}
		}
	}
	return nil
}
