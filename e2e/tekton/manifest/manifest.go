// SPDX-License-Identifier: Apache-2.0

// Package manifest reads the repository's Tekton and Kubernetes YAML with the
// types of Tekton and Kubernetes themselves.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	pipelinev1beta1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Object is one document: a Tekton or Kubernetes object with its metadata.
type Object interface {
	runtime.Object
	metav1.Object
}

// kinds are all that our files are made of; another one is an error.
var kinds = map[metav1.TypeMeta]func() Object{
	{APIVersion: "tekton.dev/v1", Kind: "Task"}:                              func() Object { return &pipelinev1.Task{} },
	{APIVersion: "tekton.dev/v1", Kind: "TaskRun"}:                           func() Object { return &pipelinev1.TaskRun{} },
	{APIVersion: "tekton.dev/v1", Kind: "PipelineRun"}:                       func() Object { return &pipelinev1.PipelineRun{} },
	{APIVersion: "tekton.dev/v1beta1", Kind: "StepAction"}:                   func() Object { return &pipelinev1beta1.StepAction{} },
	{APIVersion: "v1", Kind: "ConfigMap"}:                                    func() Object { return &corev1.ConfigMap{} },
	{APIVersion: "v1", Kind: "Secret"}:                                       func() Object { return &corev1.Secret{} },
	{APIVersion: "v1", Kind: "ServiceAccount"}:                               func() Object { return &corev1.ServiceAccount{} },
	{APIVersion: "v1", Kind: "Pod"}:                                          func() Object { return &corev1.Pod{} },
	{APIVersion: "batch/v1", Kind: "Job"}:                                    func() Object { return &batchv1.Job{} },
	{APIVersion: "batch/v1", Kind: "CronJob"}:                                func() Object { return &batchv1.CronJob{} },
	{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"}:               func() Object { return &rbacv1.Role{} },
	{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"}:        func() Object { return &rbacv1.RoleBinding{} },
	{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"}:        func() Object { return &rbacv1.ClusterRole{} },
	{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"}: func() Object { return &rbacv1.ClusterRoleBinding{} },
}

// Read decodes every document of a file. A field that its type does not know, a
// key that is there twice and an unknown kind are errors, as they are for
// `kubectl apply --validate=strict`.
func Read(path string) ([]Object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	objects, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return objects, nil
}

// Parse decodes every document of a text, as [Read] does.
func Parse(text []byte) ([]Object, error) {
	var objects []Object
	documents := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer documents.Close()
	buffer := make([]byte, len(text)+1)
	for {
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		object, err := decode(buffer[:n])
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
}

// decode reads one document.
func decode(document []byte) (Object, error) {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return nil, err
	}
	create, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("the kind %s of %s is not expected here", kind.Kind, kind.APIVersion)
	}
	object := create()
	return object, yaml.UnmarshalStrict(document, object)
}
