// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/quay"
	"quay-keyless/internal/subject"
)

// File is an organization as it should be.
type File struct {
	Organization string
	Robots       []Wanted
}

// Wanted is a robot account as it should be.
type Wanted struct {
	quay.Robot
	Description string
	Grants      []quay.Grant
	Entries     quay.Entries
}

// The words of the file, as docs/organization.schema.json has them.
var (
	fileKeys   = []string{"organization", "robots"}
	robotKeys  = []string{"name", "description", "grant", "federation"}
	entryKeys  = []string{"github", "gitlab", "service-account", "issuer", "subject", "audience", "fields"}
	githubKeys = []string{"repository", "ref", "tag", "environment", "pull-request"}
	gitlabKeys = []string{"project", "ref", "tag"}
)

// Parse reads a file. The error is a [*FileError].
func Parse(name string, text []byte) (*File, error) {
	p := &parser{name: name}
	var file File
	if root := p.document(text); root != nil {
		file = p.file(root)
	}
	if len(p.problems) > 0 {
		return nil, &FileError{p.problems}
	}
	return &file, nil
}

func (p *parser) file(root *yaml.Node) File {
	fields := p.fields(root, "the file", fileKeys)
	file := File{Organization: p.text(fields["organization"], "organization")}
	if fields["organization"] == nil {
		p.wrong(root, "there is no organization")
		return file
	}
	if _, err := quay.ParseRobot(file.Organization + "+ci"); err != nil {
		p.wrong(fields["organization"], "%q cannot be the name of an organization or user", file.Organization)
		return file
	}
	seen := map[string]bool{}
	for _, n := range p.list(fields["robots"], "robots") {
		robot := p.robot(n, file.Organization)
		if seen[robot.Name] && robot.Name != "" {
			p.wrong(n, "%s is there twice", robot)
		}
		seen[robot.Name] = true
		file.Robots = append(file.Robots, robot)
	}
	return file
}

func (p *parser) robot(n *yaml.Node, organization string) Wanted {
	fields := p.fields(n, "a robot", robotKeys)
	robot := Wanted{Description: p.text(fields["description"], "description")}
	name := strings.TrimPrefix(p.text(fields["name"], "name"), organization+"+")
	switch known, err := quay.ParseRobot(organization + "+" + name); {
	case fields["name"] == nil:
		p.wrong(n, "the robot has no name")
	case err != nil:
		p.wrong(fields["name"], "%v", err)
	default:
		robot.Robot = known
	}
	if len(robot.Description) > 255 {
		p.wrong(fields["description"], "the description has more than 255 bytes")
	}
	p.each(fields["grant"], "grant", func(key, value *yaml.Node) {
		repository := organization + "/" + strings.TrimPrefix(key.Value, organization+"/")
		grant, err := quay.ParseGrant(repository+"="+p.text(value, "grant"), quay.Robot{Namespace: organization, Name: name})
		again := func(g quay.Grant) bool { return g.Repository == grant.Repository }
		if err != nil {
			p.wrong(key, "%v", err)
		} else if slices.ContainsFunc(robot.Grants, again) {
			p.wrong(key, "grant: %s is there twice", grant.Repository)
		}
		robot.Grants = append(robot.Grants, grant)
	})
	for _, n := range p.list(fields["federation"], "federation") {
		entry := p.entry(n)
		if _, there := robot.Entries.Find(entry.Issuer, entry.Subject); there && entry.Subject != "" {
			p.wrong(n, "%s is there twice for %s", entry, name)
		}
		robot.Entries = append(robot.Entries, entry)
	}
	return robot
}

func (p *parser) entry(n *yaml.Node) quay.Entry {
	before := len(p.problems)
	fields := p.fields(n, "a federation entry", entryKeys)
	flags := subject.Flags{Issuer: p.text(fields["issuer"], "issuer"), Subject: p.text(fields["subject"], "subject"), ServiceAccount: p.text(fields["service-account"], "service-account")}
	if fields["github"] != nil {
		github := p.fields(fields["github"], "github", githubKeys)
		flags.GitHub = p.text(github["repository"], "repository")
		flags.Ref, flags.Tag, flags.Environment = p.text(github["ref"], "ref"), p.text(github["tag"], "tag"), p.text(github["environment"], "environment")
		flags.PullRequest = p.bool(github["pull-request"], "pull-request")
	}
	if fields["gitlab"] != nil {
		gitlab := p.fields(fields["gitlab"], "gitlab", gitlabKeys)
		flags.GitLab, flags.Ref, flags.Tag = p.text(gitlab["project"], "project"), p.text(gitlab["ref"], "ref"), p.text(gitlab["tag"], "tag")
	}
	if len(p.problems) > before {
		return quay.Entry{}
	}
	issuer, sub, err := flags.Compose()
	if wrong := flags.Check(); wrong != nil {
		err = wrong
	}
	switch {
	case err != nil:
		p.wrong(n, "%s", strings.ReplaceAll(err.Error(), "--", ""))
	case !strings.HasPrefix(issuer, "https://") && !strings.HasPrefix(issuer, "http://"):
		p.wrong(n, "issuer %q: write an https URL", issuer)
	}
	return p.rest(quay.NewEntry(issuer, sub), fields)
}

// rest adds audiences and the fields that this program does not know.
func (p *parser) rest(entry quay.Entry, fields map[string]*yaml.Node) quay.Entry {
	switch n := fields["audience"]; {
	case n == nil:
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0 || n.Kind == yaml.ScalarNode && n.Value == "":
		p.wrong(n, "audience: name one, or leave it out")
	case n.Kind == yaml.SequenceNode:
		var audiences []string
		for _, item := range n.Content {
			audiences = append(audiences, p.text(item, "audience"))
		}
		entry = entry.WithAudiences(audiences)
	default:
		entry = entry.WithAudiences([]string{p.text(n, "audience")})
	}
	if n := fields["fields"]; n != nil {
		var more map[string]json.RawMessage
		if json.Unmarshal([]byte(p.text(n, "fields")), &more) != nil || more["issuer"] != nil || more["subject"] != nil {
			p.wrong(n, "fields: write a JSON object as a text, without issuer and subject")
		} else if fields["audience"] != nil && more["audiences"] != nil {
			p.wrong(n, "audience and fields name the audiences twice: one of them is enough")
		}
		for name, value := range more {
			entry = entry.WithField(name, value)
		}
	}
	return entry
}
