// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
)

func TestTektonResults(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	want := map[string]string{
		"REGISTRY": "quay.example:8443/acme", "USERNAME": "acme+ci",
		"EXPIRES_AT": "2026-11-22T09:30:00Z", "AUTHFILE": "/home/runner/.docker/config.json",
	}
	variables := map[string]string{"TEKTON_RESULT_TOKEN": filepath.Join(folder, "TOKEN")}
	for name := range want {
		variables["TEKTON_RESULT_"+name] = filepath.Join(folder, name)
	}
	r := result()
	r.Logins[0].Token = idtoken.NewSecret("hunter2")
	var out bytes.Buffer
	if err := detect(variables, &out).Publish(t.Context(), r); err != nil || out.Len() != 0 {
		t.Fatalf("said %q, %v", out.String(), err)
	}
	for name, value := range want {
		if got := read(t, filepath.Join(folder, name)); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if got := read(t, filepath.Join(folder, "TOKEN")); got != "" {
		t.Errorf("the token became a result: %q", got)
	}
}

func TestTektonResultsThatAreNotDeclared(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "registry")
	variables := map[string]string{"TEKTON_RESULT_REGISTRY": path}
	if err := detect(variables, &bytes.Buffer{}).Publish(t.Context(), result()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "quay.example:8443/acme" {
		t.Errorf("the registry is %q", got)
	}
}

func TestTektonResultThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"TEKTON_RESULT_REGISTRY": filepath.Join(t.TempDir(), "no", "folder")}
	err := detect(variables, &bytes.Buffer{}).Publish(t.Context(), result())
	if err == nil || !strings.HasPrefix(err.Error(), "tekton result registry: ") {
		t.Errorf("got %v", err)
	}
}

func TestTektonSaysTheErrorLast(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	detect(jobs["tekton"], &out).Fail(platform.Message{Text: "it failed", Reason: "code", Hints: []string{"first", "second"}})
	if got := out.String(); got != "  first\n\n  second\n\nerror: it failed [code]\n" {
		t.Errorf("said %q", got)
	}
}
