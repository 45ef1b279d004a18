// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/sandbox"
)

// setUp runs setup against a sandbox of its own and gives what is to be pasted.
func setUp(t *testing.T, args ...string) string {
	t.Helper()
	sb := startSandbox(t, sandbox.Config{Repositories: []string{"acme/app", "acme/tools"}})
	variables := map[string]string{"QUAY_API_TOKEN": sb.APIToken(), "QUAY_CA_CERTIFICATE": string(sb.CA)}
	code, stdout, stderr := run(t, cli.Main, inProcess(variables, append([]string{"setup", sb.Host, "--robot", "acme+new"}, args...)...))
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if holdsSecret(stdout + stderr) {
		t.Errorf("it said a secret:\n%s%s", stdout, stderr)
	}
	return strings.ReplaceAll(stdout, sb.Host, "quay.example.com")
}

// decode reads YAML as a map.
func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return value
}

// at walks into a decoded document; numbers are places in a list.
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = value.(map[string]any)[step]
		case int:
			value = value.([]any)[step]
		}
		if value == nil {
			t.Fatalf("nothing at %v", path)
		}
	}
	return value
}

const twoGrants = "--grant=tools=read --grant=app=write"

func TestTheWorkflowOfASetupIsOneForTheAction(t *testing.T) {
	t.Parallel()
	text := setUp(t, append(strings.Fields(twoGrants), "--github=acme@1/app@2", "--environment=it's: x", "--audience=quay", "--tls-verify=false")...)
	job := at(t, decode(t, text), "jobs", "push")
	if got := at(t, job, "environment"); got != "it's: x" {
		t.Errorf("environment %q", got)
	}
	if at(t, job, "permissions", "id-token") != "write" {
		t.Error("the job may not have an ID token")
	}
	with := at(t, job, "steps", 0, "with").(map[string]any)
	inputs := readAction(t).Inputs
	for name := range with {
		if _, known := inputs[name]; !known {
			t.Errorf("the action has no input %q", name)
		}
	}
	if with["check"] != "acme/tools:pull\nacme/app:push\n" || with["robot"] != "acme+new" || with["registry"] != "quay.example.com" || with["tls-verify"] != "false" {
		t.Errorf("with %v", with)
	}
	if with["install-ca"] != true {
		t.Errorf("podman does not get the CA: %v", with)
	}
	if run := at(t, job, "steps", 1, "run"); run != "podman push --tls-verify=false quay.example.com/acme/app" {
		t.Errorf("run: %s", run)
	}
}

func TestTheGitLabJobOfASetupFitsTheComponent(t *testing.T) {
	t.Parallel()
	text := setUp(t, append(strings.Fields(twoGrants), "--gitlab=acme/app", "--ref=main", "--tls-verify=false")...)
	got := decode(t, text)
	component, _, _ := strings.Cut(read(t, "gitlab/templates/quay-login/template.yml"), "\n---\n")
	known := at(t, decode(t, component), "spec", "inputs").(map[string]any)
	given := at(t, got, "include", 0, "inputs").(map[string]any)
	for name := range given {
		if _, ok := known[name]; !ok {
			t.Errorf("the component has no input %q", name)
		}
	}
	if at(t, got, "push", "extends") != ".quay-login" || at(t, got, "push", "script", 0) != "buildah push --tls-verify=false quay.example.com/acme/app" {
		t.Errorf("%v", got["push"])
	}
	variables := slices.Sorted(maps.Keys(at(t, got, "push", "variables").(map[string]any)))
	if !slices.Equal(variables, []string{"QUAY_CA_CERTIFICATE", "QUAY_TLS_VERIFY"}) {
		t.Errorf("variables %v", variables)
	}
}

func TestTheTaskOfASetupFitsTheStepAction(t *testing.T) {
	t.Parallel()
	text := setUp(t, append(strings.Fields(twoGrants), "--service-account=build/pipeline", "--issuer=https://oidc.example", "--audience=quay", "--tls-verify=false")...)
	got := decode(t, text)
	action := decode(t, read(t, "tekton/stepaction/quay-login/0.1/quay-login.yaml"))
	known := map[string]any{}
	for _, param := range at(t, action, "spec", "params").([]any) {
		known[param.(map[string]any)["name"].(string)] = param.(map[string]any)["default"]
	}
	step := at(t, got, "spec", "steps", 0)
	if at(t, step, "ref", "name") != at(t, action, "metadata", "name") {
		t.Error("the step is of another StepAction")
	}
	unverified := false
	for _, param := range at(t, step, "params").([]any) {
		if name := param.(map[string]any)["name"].(string); !slices.Contains(slices.Collect(maps.Keys(known)), name) {
			t.Errorf("the StepAction has no param %q", name)
		}
		value, text := param.(map[string]any)["value"].(string)
		if !text {
			t.Errorf("%v is no text", param)
		}
		unverified = unverified || value == "false"
	}
	if !unverified {
		t.Error("the step verifies the certificate")
	}
	volumes := at(t, got, "spec", "volumes").([]any)
	if at(t, volumes[1], "name") != known["token-volume"] || at(t, volumes[1], "projected", "sources", 0, "serviceAccountToken", "audience") != "quay" {
		t.Errorf("volumes %v", volumes)
	}
	if folder := at(t, got, "spec", "stepTemplate", "volumeMounts", 0, "mountPath"); folder != known["auth-dir"] {
		t.Errorf("the login is in %v, and mounted at %v", known["auth-dir"], folder)
	}
}

func TestASetupForPullsPulls(t *testing.T) {
	t.Parallel()
	text := setUp(t, "--grant=app=read", "--github=acme@1/app@2", "--pull-request")
	if run := at(t, decode(t, text), "jobs", "push", "steps", 1, "run"); run != "podman pull quay.example.com/acme/app" {
		t.Errorf("run: %s", run)
	}
}

func TestASetupElsewhereEndsWithTheCommand(t *testing.T) {
	t.Parallel()
	text := setUp(t, "--grant=app=write", "--issuer=https://keycloak.example/realms/ci", "--subject=0a1b")
	if !strings.HasPrefix(text, "quay-keyless login quay.example.com --robot acme+new --check acme/app:push # with --ca-certificate PATH, and --id-token-file") {
		t.Errorf("got %s", text)
	}
}
