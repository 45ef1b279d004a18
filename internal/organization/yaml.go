// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"encoding/json"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/subject"
)

// The file as YAML. docs/organization.schema.json has the same words.
type (
	fileYAML struct {
		Organization text        `yaml:"organization"`
		Robots       []robotYAML `yaml:"robots"`
	}
	robotYAML struct {
		Name        text          `yaml:"name"`
		Description text          `yaml:"description,omitempty"`
		Grant       map[text]text `yaml:"grant,omitempty"`
		Federation  []entryYAML   `yaml:"federation,omitempty"`
	}
	entryYAML struct {
		GitHub         githubYAML `yaml:"github,flow,omitempty"`
		GitLab         gitlabYAML `yaml:"gitlab,flow,omitempty"`
		ServiceAccount text       `yaml:"service-account,omitempty"`
		Issuer         text       `yaml:"issuer,omitempty"`
		Subject        text       `yaml:"subject,omitempty"`
		Audience       []text     `yaml:"audience,flow,omitempty"` // or one text
		Fields         text       `yaml:"fields,omitempty"`        // the others, as JSON
	}
	githubYAML struct {
		Repository  text `yaml:"repository,omitempty"`
		Ref         text `yaml:"ref,omitempty"`
		Tag         text `yaml:"tag,omitempty"`
		Environment text `yaml:"environment,omitempty"`
		PullRequest bool `yaml:"pull-request,omitempty"`
	}
	gitlabYAML struct {
		Project text `yaml:"project,omitempty"`
		Ref     text `yaml:"ref,omitempty"`
		Tag     text `yaml:"tag,omitempty"`
	}
)

// text is on one line, in quotes unless it is simple.
type text string

var simple = platform.Pattern(`^[A-Za-z0-9_./@+-]+(:[A-Za-z0-9_./@+-]+)*$`)

// MarshalYAML chooses the quotes.
func (t text) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(t)}
	if !simple().MatchString(n.Value) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n, nil
}

// texts converts a list of texts.
func texts[To, From ~string](list []From) (converted []To) {
	for _, item := range list {
		converted = append(converted, To(item))
	}
	return converted
}

func (f *File) yaml() fileYAML {
	file := fileYAML{Organization: text(f.Organization)}
	for _, wanted := range f.Robots {
		robot := robotYAML{Name: text(wanted.Name), Description: text(wanted.Description), Grant: map[text]text{}}
		for _, grant := range wanted.Grants {
			robot.Grant[text(strings.TrimPrefix(grant.Repository, f.Organization+"/"))] = text(grant.Role)
		}
		for _, entry := range wanted.Entries {
			robot.Federation = append(robot.Federation, yamlOf(entry))
		}
		file.Robots = append(file.Robots, robot)
	}
	return file
}

// yamlOf is an entry in the words of the flags, with all its other fields but those that
// Quay sets.
func yamlOf(entry quay.Entry) entryYAML {
	job := subject.Read(entry.Issuer, entry.Subject)
	e := entryYAML{ServiceAccount: text(job.ServiceAccount), Issuer: text(job.Issuer), Subject: text(job.Subject)}
	switch ref, tag := text(job.Ref), text(job.Tag); {
	case job.GitHub != "":
		e.GitHub = githubYAML{text(job.GitHub), ref, tag, text(job.Environment), job.PullRequest}
	case job.GitLab != "":
		e.GitLab = gitlabYAML{text(job.GitLab), ref, tag}
	}
	more := maps.Clone(entry.Fields())
	maps.DeleteFunc(more, func(name string, _ json.RawMessage) bool {
		return name == "issuer" || name == "subject" || name == "id" || name == "version" || name == "audiences" && !entry.Restricted()
	})
	if len(entry.Audiences) > 0 {
		e.Audience = texts[text](entry.Audiences)
		delete(more, "audiences")
	}
	if len(more) > 0 {
		encoded, _ := json.Marshal(more) // each value was read as JSON
		e.Fields = text(encoded)
	}
	return e
}
