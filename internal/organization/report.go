// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/subject"
)

// Outputs print an audit in the forms of --output.
var Outputs = map[string]func(*process.Run, *Survey) ([]byte, error){
	"text": auditText,
	"json": auditJSON,
	"yaml": auditYAML,
}

// auditText is one table, then the findings.
func auditText(run *process.Run, s *Survey) ([]byte, error) {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	row := func(columns ...string) {
		for i, column := range columns {
			columns[i] = run.Secrets.Line(subject.Unhidden(column))
		}
		fmt.Fprintln(table, strings.TrimRight(strings.Join(columns, "\t"), "\t"))
	}
	row("ROBOT", "LAST LOGIN", "EXCHANGES", "PERMISSION", "FEDERATION")
	for _, robot := range s.Robots {
		first := []string{robot.String(), day(robot.LastAccessed), fmt.Sprint(robot.Exchanges)}
		for i := range max(1, len(robot.Grants), len(robot.Entries)) {
			grant, entry := "", ""
			if i < len(robot.Grants) {
				grant = robot.Grants[i].words()
			}
			if i < len(robot.Entries) {
				entry = subject.Describe(robot.Entries[i].Issuer, robot.Entries[i].Subject)
			}
			row(append(first[:3:3], grant, entry)...)
			first = []string{"", "", ""}
		}
	}
	for _, d := range s.Defaults {
		row("(default)", "", "", fmt.Sprintf("%s on new repositories%s: %s", d.Role, by(d.Creator, " of "), delegate(d)))
	}
	if err := table.Flush(); err != nil {
		return nil, err
	}
	fmt.Fprintf(&out, "\n%d robots, %d repositories; exchanges since %s\n", len(s.Robots), len(s.Repositories), day(s.LogSince))
	writeFindings(&out, run, s.Findings())
	return out.Bytes(), nil
}

// writeFindings groups findings by code.
func writeFindings(out *bytes.Buffer, run *process.Run, findings []Finding) {
	for i, f := range findings {
		if i == 0 || findings[i-1].Code != f.Code {
			fmt.Fprintf(out, "\n[%s] %s\n", f.Code, f.Why)
		}
		about := f.Robot
		if f.Subject != "" {
			about += ", " + subject.Describe(f.Issuer, subject.Unhidden(f.Subject))
		}
		if i == 0 || findings[i-1].Code != f.Code || findings[i-1].Text != f.Text {
			about += ": " + f.Text
		}
		fmt.Fprintf(out, "  %s\n", run.Secrets.Line(about))
		if last := i == len(findings)-1; last || findings[i+1].Code != f.Code || !slices.Equal(findings[i+1].Cures, f.Cures) {
			fmt.Fprintf(out, "  To fix it: %s\n", strings.Join(f.Cures, "\n             "))
		}
	}
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

func by(text, before string) string {
	if text == "" {
		return ""
	}
	return before + text
}

func delegate(d quay.DefaultGrant) string {
	if d.Team {
		return "team " + d.Delegate
	}
	return d.Delegate
}

func (g Grant) words() string {
	where := cmp.Or(map[bool]string{true: "every repository"}[g.Repository == "*"], g.Repository)
	return fmt.Sprintf("%s on %s%s", g.Role, where, by(g.Team, " by team "))
}

// auditJSON is the survey with its findings.
func auditJSON(run *process.Run, s *Survey) ([]byte, error) {
	for i, robot := range s.Robots {
		for _, entry := range robot.Entries {
			s.Robots[i].Federation = append(s.Robots[i].Federation, describedEntry{subject.Describe(entry.Issuer, entry.Subject), entry})
		}
	}
	text, err := platform.Indented(struct {
		*Survey
		Findings []Finding `json:"findings"`
	}{s, s.Findings()})
	return platform.WithoutSecrets(text, run.Secrets), err
}

// describedEntry is a federation entry as Quay has it, and whose jobs it is for.
type describedEntry struct {
	Job   string     `json:"job"`
	Entry quay.Entry `json:"entry"`
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

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
	err := encoder.Encode(s.file().yaml())
	return platform.WithoutSecrets(out.Bytes(), run.Secrets), err // what it escapes is in double quotes
}

// file is the organization as it is.
func (s *Survey) file() *File {
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
