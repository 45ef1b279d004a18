// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"encoding/json"
	"reflect"
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

// Parse reads a file. The error is a [*FileError].
func Parse(name string, content []byte) (*File, error) {
	p := &parser{name: name, bad: map[*yaml.Node]bool{}}
	var file File
	if root := p.document(content); root != nil {
		p.check(root, reflect.TypeFor[fileYAML](), "the file")
		file = p.file(root)
	}
	if len(p.problems) > 0 {
		return nil, &FileError{p.problems}
	}
	return &file, nil
}

func (p *parser) file(root *yaml.Node) File {
	file := File{Organization: textOf(root, "organization")}
	switch _, err := quay.ParseRobot(file.Organization + "+ci"); {
	case valueOf(root, "organization") == nil:
		p.wrong(root, "there is no organization")
		return file
	case err != nil:
		p.wrong(valueOf(root, "organization"), "%q cannot be the name of an organization or user", file.Organization)
		return file
	case valueOf(root, "robots") == nil: // with --prune that would remove all
		p.wrong(root, "there are no robots: if there should be none, write robots: []")
		return file
	}
	seen := map[string]bool{}
	for _, n := range listOf(root, "robots") {
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
	robot := Wanted{Description: textOf(n, "description")}
	name := strings.TrimPrefix(textOf(n, "name"), organization+"+")
	switch known, err := quay.ParseRobot(organization + "+" + name); {
	case valueOf(n, "name") == nil:
		p.wrong(n, "the robot has no name")
	case err != nil:
		p.wrong(valueOf(n, "name"), "%v", err)
	default:
		robot.Robot = known
	}
	if len(robot.Description) > 255 {
		p.wrong(valueOf(n, "description"), "the description has more than 255 bytes")
	}
	for key, value := range pairs(valueOf(n, "grant")) {
		repository := organization + "/" + strings.TrimPrefix(key.Value, organization+"/")
		grant, err := quay.ParseGrant(repository+"="+value.Value, quay.Robot{Namespace: organization, Name: name})
		again := func(g quay.Grant) bool { return g.Repository == grant.Repository }
		if err != nil {
			p.wrong(key, "%v", err)
		} else if slices.ContainsFunc(robot.Grants, again) {
			p.wrong(key, "grant: %s is there twice", grant.Repository)
		}
		robot.Grants = append(robot.Grants, grant)
	}
	for _, n := range listOf(n, "federation") {
		entry := p.entry(n)
		if _, there := robot.Entries.Find(entry.Issuer, entry.Subject); there && entry.Subject != "" {
			p.wrong(n, "%s is there twice for %s", entry, name)
		}
		robot.Entries = append(robot.Entries, entry)
	}
	return robot
}

func (p *parser) entry(n *yaml.Node) quay.Entry {
	var written entryYAML
	if p.bad[n] || n.Decode(&written) != nil {
		return quay.Entry{}
	}
	flags := written.flags()
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
	entry := quay.NewEntry(issuer, sub)
	if at := valueOf(n, "audience"); at != nil {
		if len(written.Audience) == 0 || written.Audience[0] == "" {
			p.wrong(at, "audience: name one, or leave it out")
		}
		entry = entry.WithAudiences(texts[string](written.Audience))
	}
	if at := valueOf(n, "fields"); at != nil {
		var more map[string]json.RawMessage
		if json.Unmarshal([]byte(written.Fields), &more) != nil || more["issuer"] != nil || more["subject"] != nil {
			p.wrong(at, "fields: write a JSON object as a text, without issuer and subject")
		} else if written.Audience != nil && more["audiences"] != nil {
			p.wrong(at, "audience and fields name the audiences twice: one of them is enough")
		}
		for name, value := range more {
			entry = entry.WithField(name, value)
		}
	}
	return entry
}

// flags are those that mean the same job.
func (e entryYAML) flags() subject.Flags {
	return subject.Flags{
		Issuer: string(e.Issuer), Subject: string(e.Subject), ServiceAccount: string(e.ServiceAccount),
		GitHub: string(e.GitHub.Repository), Environment: string(e.GitHub.Environment), PullRequest: e.GitHub.PullRequest,
		GitLab: string(e.GitLab.Project),
		Ref:    string(e.GitHub.Ref + e.GitLab.Ref), Tag: string(e.GitHub.Tag + e.GitLab.Tag),
	}
}
