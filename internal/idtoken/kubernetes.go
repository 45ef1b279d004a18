// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// projectedToken is where our Task, StepAction and examples mount the token.
const projectedToken = "/var/run/secrets/quay/token"

// Kubernetes is a projected service account token: Tekton, or any pod with a
// serviceAccountToken volume that has our audience, mounted at
// /var/run/secrets/quay. The pod's default token is never used.
type Kubernetes struct {
	Env Env
}

// Name is kubernetes.
func (Kubernetes) Name() string { return "kubernetes" }

// Present reports whether the file is mounted, readable or not.
func (k Kubernetes) Present() bool {
	_, err := k.Env.ReadFile(projectedToken)
	return !errors.Is(err, fs.ErrNotExist)
}

// IDToken reads the file: the kubelet renews it after 80 % of its life.
func (k Kubernetes) IDToken(ctx context.Context, audience string) (Token, error) {
	return File{Env: k.Env, Path: projectedToken}.IDToken(ctx, audience)
}

// Spent is true: the kubelet may have renewed the file.
func (Kubernetes) Spent(Claims, time.Time) bool { return true }
