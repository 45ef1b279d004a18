// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"fmt"
	"strings"
)

// Tekton is a step of a Tekton Task. Tekton sets no variables, so our StepAction and
// Task pass the path of each result in TEKTON_RESULT_<NAME>.
type Tekton struct {
	words
	getenv func(string) string
}

var _ Platform = Tekton{}

// Name is tekton.
func (Tekton) Name() string { return "tekton" }

// Can says that Tekton hands on results only.
func (Tekton) Can() Abilities { return Abilities{Tell: true} }

// Remember notes nothing: the login goes with the Pod.
func (Tekton) Remember(result Result) error { return exportable(result) }

// Publish writes the results that the Task declares. Everybody who may read
// TaskRuns may read them, so the token is never one.
func (t Tekton) Publish(ctx context.Context, result Result) error {
	for _, output := range result.Outputs() {
		path := t.getenv(resultVariable(output.Name))
		if path == "" {
			continue
		}
		if err := writeResult(ctx, path, output.Value); err != nil {
			return fmt.Errorf("tekton result %s: %w", output.Name, err)
		}
	}
	return t.export(result)
}

// Fail writes what is wrong last: a step's last log line is what people see.
func (t Tekton) Fail(m Message) {
	lines := t.body(m)
	if len(lines) > 0 {
		lines = append(lines[1:], "")
	}
	t.lines(append(lines, t.head("error:", red, m)...))
}

// resultVariable is where our Tekton files tell a result's path.
func resultVariable(output string) string {
	return "TEKTON_RESULT_" + strings.ToUpper(strings.ReplaceAll(output, "-", "_"))
}
