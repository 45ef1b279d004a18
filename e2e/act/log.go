// SPDX-License-Identifier: Apache-2.0

package act

import (
	"encoding/json"
	"strings"
	"testing"
)

// Log is what the jobs of a run left on their page.
type Log struct {
	// Shown is all that a reader sees, of all jobs, the job summary included.
	Shown string
	jobs  map[string]string // results by id
	steps map[string]*Step  // by job, phase and id
}

// Step is one phase of a step.
type Step struct {
	Result   string // success, failure, or skipped
	Output   string // lines, without those that are commands
	Outputs  map[string]string
	Exports  map[string]string // what it wrote to GITHUB_ENV
	Summary  string
	Masks    []string  // what it asked to hide; not in the log
	Commands []Command // all others: notice, warning, error, group, ...
}

// Command is a workflow command.
type Command struct {
	Name       string            `json:"command"`
	Text       string            `json:"arg"`
	Properties map[string]string `json:"kvPairs"`
}

// line is one of act's in its JSON.
type line struct {
	Command
	JobID      string
	JobResult  string
	Stage      string
	StepID     []string
	StepResult string
	Msg        string
	RawOutput  bool   `json:"raw_output"`
	Name       string `json:"name"`
	Content    string
}

func parse(t *testing.T, text string) Log {
	t.Helper()
	log := Log{jobs: map[string]string{}, steps: map[string]*Step{}}
	for text := range strings.Lines(text) {
		var line line
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("act: %q is no JSON: %v", text, err)
		}
		log.note(line)
	}
	return log
}

func (l *Log) note(line line) {
	if strings.HasPrefix(line.Msg, "unable to get git ") || line.JobID == "" {
		return // act's own, about the repository
	}
	l.Shown += strings.TrimSuffix(line.Msg, "\n") + "\n"
	if line.JobResult != "" {
		l.jobs[line.JobID] = line.JobResult
	}
	if line.Stage != "" && len(line.StepID) > 0 {
		l.step(line.JobID, line.Stage, line.StepID[0]).note(line)
	}
}

func (l *Log) step(job, stage, id string) *Step {
	key := strings.Join([]string{job, stage, id}, " ")
	if l.steps[key] == nil {
		l.steps[key] = &Step{Outputs: map[string]string{}, Exports: map[string]string{}}
	}
	return l.steps[key]
}

func (s *Step) note(line line) {
	if line.StepResult != "" {
		s.Result = line.StepResult
	}
	switch line.Command.Name {
	case "":
		if line.RawOutput {
			s.Output += line.Msg
		}
	case "set-output":
		s.Outputs[line.Name] = line.Text
	case "set-env":
		s.Exports[line.Name] = line.Text
	case "add-mask":
		s.Masks = append(s.Masks, line.Text)
	case "summary":
		s.Summary += line.Content
	default:
		s.Commands = append(s.Commands, line.Command)
	}
}

// Result is a job's: success or failure, or "" where there is no such job.
func (l Log) Result(job string) string { return l.jobs[job] }

// Succeeded reports whether every job that ran did.
func (l Log) Succeeded() bool {
	for _, result := range l.jobs {
		if result != "success" {
			return false
		}
	}
	return len(l.jobs) > 0
}

// Main is the main phase of a job's step, which needs an id in the workflow or
// is known by its number, "0" for the first. It is empty for one that did not run.
func (l Log) Main(job, id string) Step { return *l.step(job, "Main", id) }

// Post is the post phase of a job's step.
func (l Log) Post(job, id string) Step { return *l.step(job, "Post", id) }

// Annotations are the texts of a step's commands of one kind: notice, warning,
// error.
func (s Step) Annotations(kind string) []string {
	var texts []string
	for _, command := range s.Commands {
		if command.Name == kind {
			texts = append(texts, command.Text)
		}
	}
	return texts
}
