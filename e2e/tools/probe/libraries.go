// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"

	"github.com/docker/cli/cli/config"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	containers "go.podman.io/image/v5/pkg/docker/config"
	"go.podman.io/image/v5/types"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// docker looks as the docker CLI does (cli/command, Cli.ConfigFile and
// RetrieveAuthTokenFromImage).
func docker(_ context.Context, host string) (login, error) {
	found, err := config.LoadDefaultConfigFile(os.Stderr).GetAuthConfig(host)
	return login{found.Username, found.Password}, err
}

// crane looks as crane, ko and cosign do.
func crane(ctx context.Context, host string) (login, error) {
	registry, err := name.NewRegistry(host)
	if err != nil {
		return login{}, err
	}
	authenticator, err := authn.Resolve(ctx, authn.DefaultKeychain, registry)
	if err != nil {
		return login{}, err
	}
	found, err := authn.Authorization(ctx, authenticator)
	if err != nil {
		return login{}, err
	}
	return login{found.Username, found.Password}, nil
}

// oras looks as the oras CLI does.
func oras(ctx context.Context, host string) (login, error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{DetectDefaultNativeStore: true})
	if err != nil {
		return login{}, err
	}
	found, err := credentials.Credential(store)(ctx, host)
	return login{found.Username, found.Password}, err
}

// image looks as skopeo does, whose --authfile is REGISTRY_AUTH_FILE where it is
// not set.
func image(_ context.Context, host string) (login, error) {
	found, err := containers.GetCredentials(&types.SystemContext{AuthFilePath: os.Getenv("REGISTRY_AUTH_FILE")}, host)
	return login{found.Username, found.Password}, err
}
