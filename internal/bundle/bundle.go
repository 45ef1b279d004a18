// SPDX-License-Identifier: Apache-2.0

// Package bundle makes a Tekton bundle: an image from which Tekton's resolver reads
// Tasks and StepActions (tektoncd/pipeline, docs/tekton-bundle-contracts.md).
package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"go.yaml.in/yaml/v3"
)

// Placeholder is our image as the files in tekton/ name it.
const Placeholder = "quay.io/OWNER/quay-keyless:v1"

// limit is how many objects Tekton reads from one bundle.
const limit = 20

// Image makes a bundle of YAML files of one object each, with image, our image's name and
// digest, in the place of [Placeholder]. The same files make the same bundle, byte for byte.
//
// The error says what no resolver could read: a file that is not one named object, or
// does not name our image, and more than 20 files.
func Image(image string, files ...[]byte) (v1.Image, error) {
	if len(files) > limit {
		return nil, fmt.Errorf("a bundle has at most %d objects, not %d", limit, len(files))
	}
	var layers []mutate.Addendum
	for _, file := range files {
		layer, err := layer(file, image)
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	return mutate.Append(empty.Image, layers...)
}

// object is what a resolver asks for.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
}

// layer is one object, with the annotations by which a resolver finds it.
func layer(file []byte, image string) (mutate.Addendum, error) {
	o, err := parse(file)
	if err != nil {
		return mutate.Addendum{}, err
	}
	if !bytes.Contains(file, []byte(Placeholder)) {
		return mutate.Addendum{}, fmt.Errorf("%s %s does not name the image %s", o.Kind, o.Metadata.Name, Placeholder)
	}
	archive, err := archived(o.Metadata.Name, bytes.ReplaceAll(file, []byte(Placeholder), []byte(image)))
	if err != nil {
		return mutate.Addendum{}, err
	}
	content, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil })
	return mutate.Addendum{Layer: content, Annotations: map[string]string{
		"dev.tekton.image.apiVersion": o.APIVersion,
		"dev.tekton.image.kind":       strings.ToLower(o.Kind),
		"dev.tekton.image.name":       o.Metadata.Name,
	}}, err
}

// parse reads a file of one object.
func parse(file []byte) (o object, err error) {
	documents := yaml.NewDecoder(bytes.NewReader(file))
	if err := documents.Decode(&o); err != nil {
		return object{}, fmt.Errorf("no YAML object: %w", err)
	}
	if o.APIVersion == "" || o.Kind == "" || o.Metadata.Name == "" {
		return object{}, fmt.Errorf("the object has the apiVersion %q, the kind %q and the name %q", o.APIVersion, o.Kind, o.Metadata.Name)
	}
	if err := documents.Decode(new(object)); !errors.Is(err, io.EOF) {
		return object{}, fmt.Errorf("the file of %s %s has more than one object", o.Kind, o.Metadata.Name)
	}
	return o, nil
}

// archived is a tar archive of one file, without a time.
func archived(name string, content []byte) ([]byte, error) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := writer.Write(content); err != nil {
		return nil, err
	}
	return archive.Bytes(), writer.Close()
}
