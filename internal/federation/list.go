// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/subject"
)

// Outputs print the stored entries in the forms of --output.
var Outputs = map[string]func(*process.Run, quay.Entries) ([]byte, error){
	"text": federationText,
	"json": federationJSON,
}

// federationJSON is the list as Quay has it, indented.
func federationJSON(run *process.Run, entries quay.Entries) ([]byte, error) {
	var plain, out bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(entries)
	if err == nil {
		err = json.Indent(&out, plain.Bytes(), "", "  ")
	}
	return platform.WithoutSecrets(out.Bytes(), run.Secrets), err
}

// federationText is a table for people.
func federationText(run *process.Run, entries quay.Entries) ([]byte, error) {
	var out bytes.Buffer
	if len(entries) == 0 {
		return nil, nil
	}
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ISSUER\tSUBJECT\tAUDIENCES")
	for _, entry := range entries {
		fmt.Fprintf(table, "%s\t%s\t%s\n", run.Secrets.Line(subject.Unhidden(entry.Issuer)), run.Secrets.Line(subject.Unhidden(entry.Subject)), run.Secrets.Line(audiencesOf(entry)))
	}
	err := table.Flush()
	return out.Bytes(), err
}

// audiencesOf says which audiences an entry accepts.
func audiencesOf(entry quay.Entry) string {
	switch {
	case !entry.Restricted():
		return "any"
	case entry.Audiences == nil:
		return quay.Compact(entry.Fields()["audiences"]) + " (broken)"
	}
	return strings.Join(entry.Audiences, ", ")
}
