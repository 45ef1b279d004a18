// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"quay-keyless/internal/errno"
)

// JSON is a platform for commands whose result is JSON: an error is one object in one
// line, and nothing else is said before it.
type JSON struct {
	Platform
	out, results io.Writer
	secrets      *Secrets
	mu           sync.Mutex
	warnings     []Message
}

// NewJSON detects the platform and makes it speak JSON.
func NewJSON(env Env) *JSON {
	results := env.Results
	env.Results = io.Discard
	return &JSON{Platform: Detect(env), out: env.Words, results: results, secrets: env.Secrets}
}

// Notice says nothing: progress is for people.
func (*JSON) Notice(string) {}

// Warn keeps the warning: it is part of the error, or follows the result.
func (j *JSON) Warn(m Message) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.warnings = append(j.warnings, m)
}

// Fail writes the error with the warnings before it.
func (j *JSON) Fail(m Message) {
	_, _ = j.out.Write(j.object(m))
}

// Done shows the warnings of a command without an error.
func (j *JSON) Done() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, m := range j.warnings {
		j.Platform.Warn(m)
	}
}

// encodedStep is a step as JSON.
type encodedStep struct {
	Text    string            `json:"text"`
	Values  map[string]string `json:"values,omitempty"`
	Lines   []string          `json:"lines,omitempty"`
	Command string            `json:"command,omitempty"`
}

// object is an error as JSON, all of it.
func (j *JSON) object(m Message) []byte {
	m.Verbose = true
	all, _ := m.steps()
	steps, warnings := []encodedStep{}, []string{}
	for _, step := range all {
		encoded := encodedStep{Text: j.secrets.whole(step.Text), Command: j.secrets.whole(step.Command)}
		for _, line := range step.Lines {
			encoded.Lines = append(encoded.Lines, j.secrets.whole(line))
		}
		for _, value := range step.Values {
			if encoded.Values == nil {
				encoded.Values = map[string]string{}
			}
			encoded.Values[j.secrets.whole(value.Name)] = j.secrets.whole(value.Value)
		}
		steps = append(steps, encoded)
	}
	for _, warning := range j.warnings {
		warnings = append(warnings, j.secrets.sentence(warning.Text))
	}
	whole := func(texts []string) []string {
		list := []string{}
		for _, text := range texts {
			list = append(list, j.secrets.whole(text))
		}
		return list
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(struct { // of texts
		Error    string        `json:"error"`
		Reason   string        `json:"reason"`
		Said     string        `json:"said"`
		ExitCode int           `json:"exit_code"`
		Steps    []encodedStep `json:"steps"`
		Notes    []string      `json:"notes"`
		More     []string      `json:"more"`
		Page     string        `json:"page,omitempty"`
		Warnings []string      `json:"warnings"`
	}{j.secrets.sentence(m.Text), m.Reason, j.secrets.sentence(m.Said), m.Exit, steps, whole(m.Notes), whole(m.More), m.Page, warnings})
	return harmlessJSON(line.Bytes())
}

// Publish hands the login on as the platform does, and prints it as JSON in place of
// lines for a shell.
func (j *JSON) Publish(ctx context.Context, result Result) error {
	if err := j.Platform.Publish(ctx, result); err != nil {
		return err
	}
	logins, exports := []any{}, map[string]string{}
	for _, login := range result.Logins {
		logins = append(logins, map[string]string{
			"registry": login.Registry, "username": login.Username, "expires_at": login.ExpiresAt.UTC().Format(time.RFC3339),
		})
	}
	for _, variable := range result.Exports {
		exports[variable.Name] = variable.Value
	}
	text, err := Indented(map[string]any{"logins": logins, "authfiles": result.AuthFiles, "exports": exports, "path": result.Path})
	if err == nil {
		_, err = j.results.Write(text)
	}
	if err != nil {
		return fmt.Errorf("printing the result: %w", errno.WithoutPath(err))
	}
	return nil
}
