// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"quay-keyless/internal/bundle"
)

// tektonFiles are what the Tekton bundle has.
var tektonFiles = []string{
	"tekton/stepaction/quay-login/0.1/quay-login.yaml",
	"tekton/task/quay-login/0.1/quay-login.yaml",
}

// pushBundle pushes the Tekton bundle of the checkout's files, with our image named by its
// digest, and prints the bundle's own name with its digest. The login is that of docker's
// or podman's auth file.
func pushBundle(ctx context.Context, image, reference string, stdout io.Writer) error {
	if _, err := name.NewDigest(image, name.StrictValidation); err != nil {
		return fmt.Errorf("the image %s is not named by its digest: %w", image, err)
	}
	tag, err := name.NewTag(reference, name.StrictValidation)
	if err != nil {
		return err
	}
	var files [][]byte
	for _, path := range tektonFiles {
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	made, err := bundle.Image(image, files...)
	if err != nil {
		return err
	}
	digest, err := made.Digest()
	if err != nil {
		return err
	}
	if err := remote.Write(tag, made, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, tag.Digest(digest.String()))
	return err
}
