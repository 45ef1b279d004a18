// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Flux applies pull-secret.yaml again and again, and so does Argo CD as docs/kubernetes.md
// has it. Neither may put the empty Secret over the one with the login.
func TestPullSecretUnderGitOps(t *testing.T) {
	t.Parallel()
	var secret struct {
		Kind     string
		Metadata struct {
			Name        string
			Annotations map[string]string
		}
		Data       map[string]string
		StringData map[string]string `yaml:"stringData"`
	}
	for document := range strings.SplitSeq(read(t, "kubernetes/pull-secret.yaml"), "\n---\n") {
		if strings.Contains(document, "kind: Secret\n") {
			if err := yaml.Unmarshal([]byte(document), &secret); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := secret.Metadata.Annotations["kustomize.toolkit.fluxcd.io/ssa"]; got != "IfNotPresent" {
		t.Errorf("Flux would overwrite the Secret: the annotation is %q", got)
	}
	// Argo CD ignores differences at /data, and would apply stringData all the same.
	if len(secret.Data) != 1 || len(secret.StringData) != 0 {
		t.Errorf("the Secret has data %v and stringData %v", secret.Data, secret.StringData)
	}
	_, page, _ := strings.Cut(read(t, "docs/kubernetes.md"), "# kind: Application\n")
	page, _, _ = strings.Cut(page, "```")
	var application struct {
		Spec struct {
			IgnoreDifferences []struct {
				Kind, Name   string
				JSONPointers []string `yaml:"jsonPointers"`
			} `yaml:"ignoreDifferences"`
			SyncPolicy struct {
				SyncOptions []string `yaml:"syncOptions"`
			} `yaml:"syncPolicy"`
		}
	}
	if err := yaml.Unmarshal([]byte(page), &application); err != nil {
		t.Fatal(err)
	}
	ignored := application.Spec.IgnoreDifferences
	if len(ignored) != 1 || ignored[0].Kind != secret.Kind || ignored[0].Name != secret.Metadata.Name || strings.Join(ignored[0].JSONPointers, " ") != "/data" ||
		strings.Join(application.Spec.SyncPolicy.SyncOptions, " ") != "RespectIgnoreDifferences=true" {
		t.Errorf("docs/kubernetes.md has Argo CD ignore %+v for the Secret %s", application.Spec, secret.Metadata.Name)
	}
}
