// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	containers "go.podman.io/image/v5/pkg/docker/config"
	"go.podman.io/image/v5/types"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// host is the registry of an image, which may be the host alone.
func host(image string) string {
	host, _, _ := strings.Cut(image, "/")
	return host
}

// docker looks as the docker CLI does (cli/command, Cli.ConfigFile and
// RetrieveAuthTokenFromImage).
func docker(_ context.Context, image string) (login, error) {
	found, err := config.LoadDefaultConfigFile(os.Stderr).GetAuthConfig(host(image))
	return login{found.Username, found.Password}, err
}

// buildx looks as buildx does: first in the folders that docker/login-action makes
// for a scope, the narrowest first.
func buildx(ctx context.Context, image string) (login, error) {
	folder := filepath.Join(cmp.Or(os.Getenv("BUILDX_CONFIG"), filepath.Join(config.Dir(), "buildx")), "config")
	for scope := image; scope != "."; scope = filepath.Dir(scope) {
		if _, err := os.Stat(filepath.Join(folder, scope, config.ConfigFileName)); err != nil {
			continue
		}
		file, err := config.Load(filepath.Join(folder, scope))
		if err != nil {
			return login{}, err
		}
		found, err := file.GetAuthConfig(host(image))
		return login{found.Username, found.Password}, err
	}
	return docker(ctx, image)
}

// crane looks as crane, ko and cosign do.
func crane(ctx context.Context, image string) (login, error) {
	resource, err := craneResource(image)
	if err != nil {
		return login{}, err
	}
	authenticator, err := authn.Resolve(ctx, authn.DefaultKeychain, resource)
	if err != nil {
		return login{}, err
	}
	found, err := authn.Authorization(ctx, authenticator)
	if err != nil {
		return login{}, err
	}
	return login{found.Username, found.Password}, nil
}

func craneResource(image string) (authn.Resource, error) {
	if host(image) == image {
		return name.NewRegistry(image)
	}
	return name.NewRepository(image)
}

// oras looks as the oras CLI does.
func oras(ctx context.Context, image string) (login, error) {
	store, err := orasStore()
	if err != nil {
		return login{}, err
	}
	found, err := credentials.Credential(store)(ctx, host(image))
	return login{found.Username, found.Password}, err
}

func orasStore() (*credentials.DynamicStore, error) {
	return credentials.NewStoreFromDocker(credentials.StoreOptions{AllowPlaintextPut: true, DetectDefaultNativeStore: true})
}

// image looks as skopeo does, whose --authfile is REGISTRY_AUTH_FILE if that is set.
func image(_ context.Context, image string) (login, error) {
	return look(os.Getenv("REGISTRY_AUTH_FILE"), image)
}

// podman looks as podman and buildah do: if DOCKER_CONFIG is set, they read no file
// of the default list.
func podman(_ context.Context, image string) (login, error) {
	file := os.Getenv("REGISTRY_AUTH_FILE")
	if folder := os.Getenv("DOCKER_CONFIG"); file == "" && folder != "" {
		file = filepath.Join(folder, config.ConfigFileName)
	}
	return look(file, image)
}

func look(file, image string) (login, error) {
	found, err := containers.GetCredentials(&types.SystemContext{AuthFilePath: file}, image)
	return login{found.Username, found.Password}, err
}
