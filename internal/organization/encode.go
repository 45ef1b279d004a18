// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/subject"
)

// auditYAML is the file for setup -f. Comments say what setup does not keep.
func auditYAML(run *process.Run, s *Survey) ([]byte, error) {
	var out bytes.Buffer
	comment := func(format string, args ...any) {
		fmt.Fprintln(&out, "# "+run.Secrets.Line(subject.Unhidden(fmt.Sprintf(format, args...))))
	}
	comment("%s at %s, for: quay-keyless setup -f FILE", s.Name, s.Host)
	for _, robot := range s.Robots {
		for _, grant := range robot.Grants {
			if grant.Team != "" {
				comment("not in this file: %s has %s", robot, grant.words())
			}
		}
	}
	for _, d := range s.Defaults {
		comment("not in this file: %s has %s on new repositories%s", delegate(d), d.Role, by(d.Creator, " of "))
	}
	for _, missing := range s.Missing {
		comment("missing here, because the API token does not show them: %s", missing.Part)
	}
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(s.File().node()); err != nil {
		return nil, err
	}
	return platform.WithoutSecrets(out.Bytes(), run.Secrets), nil // what it escapes is in double quotes
}

// File is the organization as it is.
func (s *Survey) File() *File {
	file := &File{Organization: s.Name}
	for _, robot := range s.Robots {
		if robot.Namespace != s.Name {
			continue
		}
		wanted := Wanted{Robot: robot.Robot, Description: robot.Description, Entries: robot.Entries.Distinct()}
		for _, grant := range robot.Grants {
			if grant.Team == "" {
				wanted.Grants = append(wanted.Grants, quay.Grant{Repository: s.Name + "/" + grant.Repository, Role: grant.Role})
			}
		}
		file.Robots = append(file.Robots, wanted)
	}
	return file
}

// fields is a YAML mapping from pairs of a key and a value; those without a value are left
// out.
func fields(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i < len(pairs); i += 2 {
		switch value := pairs[i+1].(type) {
		case string:
			if value != "" {
				n.Content = append(n.Content, text(pairs[i].(string)), text(value))
			}
		case *yaml.Node:
			if value != nil && (value.Kind == yaml.ScalarNode || len(value.Content) > 0) {
				n.Content = append(n.Content, text(pairs[i].(string)), value)
			}
		}
	}
	return n
}

var simple = platform.Pattern(`^[A-Za-z0-9_./@+-]+(:[A-Za-z0-9_./@+-]+)*$`)

// text is a YAML scalar on one line, in quotes unless it is simple.
func text(value string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	if !simple().MatchString(value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func (f *File) node() *yaml.Node {
	robots := &yaml.Node{Kind: yaml.SequenceNode}
	for _, robot := range f.Robots {
		grants, entries := fields(), &yaml.Node{Kind: yaml.SequenceNode}
		for _, grant := range robot.Grants {
			grants.Content = append(grants.Content, text(strings.TrimPrefix(grant.Repository, f.Organization+"/")), text(string(grant.Role)))
		}
		for _, entry := range robot.Entries {
			entries.Content = append(entries.Content, entryNode(entry))
		}
		robots.Content = append(robots.Content, fields("name", robot.Name, "description", robot.Description, "grant", grants, "federation", entries))
	}
	return fields("organization", f.Organization, "robots", robots)
}

// entryNode is an entry in the words of the flags, with all its other fields but those that
// Quay sets.
func entryNode(entry quay.Entry) *yaml.Node {
	job := subject.Read(entry.Issuer, entry.Subject)
	var pulls *yaml.Node
	if job.PullRequest {
		pulls = &yaml.Node{Kind: yaml.ScalarNode, Value: "true"}
	}
	var github, gitlab, audiences *yaml.Node
	if job.GitHub != "" {
		github = fields("repository", job.GitHub, "ref", job.Ref, "tag", job.Tag, "environment", job.Environment, "pull-request", pulls)
		github.Style = yaml.FlowStyle
	}
	if job.GitLab != "" {
		gitlab = fields("project", job.GitLab, "ref", job.Ref, "tag", job.Tag)
		gitlab.Style = yaml.FlowStyle
	}
	more := map[string]json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(entry.Fields())) {
		switch {
		case slices.Contains([]string{"issuer", "subject", "id", "version"}, name) || name == "audiences" && !entry.Restricted():
		case name == "audiences" && len(entry.Audiences) > 0:
			audiences = &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
			for _, audience := range entry.Audiences {
				audiences.Content = append(audiences.Content, text(audience))
			}
		default:
			more[name] = entry.Fields()[name]
		}
	}
	unknown := ""
	if len(more) > 0 {
		encoded, _ := json.Marshal(more) // each value was read as JSON
		unknown = string(encoded)
	}
	return fields("github", github, "gitlab", gitlab, "service-account", job.ServiceAccount, "issuer", job.Issuer, "subject", job.Subject, "audience", audiences, "fields", unknown)
}
