// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"os"

	"github.com/docker/cli/cli/config"
	dockertypes "github.com/docker/cli/cli/config/types"
	"helm.sh/helm/v3/pkg/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// account is the login command of a library, and its logout.
type account struct {
	login  func(ctx context.Context, host string, as login) error
	logout func(ctx context.Context, host string) error
}

var accounts = map[string]account{
	"docker": {dockerLogin, dockerLogout},
	"crane":  {craneLogin, craneLogout},
	"helm":   {helmLogin, helmLogout},
	"oras":   {orasLogin, orasLogout},
}

// dockerLogin stores a login as `docker login` does (cli/command/registry).
func dockerLogin(_ context.Context, host string, as login) error {
	file := config.LoadDefaultConfigFile(os.Stderr)
	return file.GetCredentialsStore(host).Store(dockertypes.AuthConfig{ServerAddress: host, Username: as.user, Password: as.password})
}

func dockerLogout(_ context.Context, host string) error {
	return config.LoadDefaultConfigFile(os.Stderr).GetCredentialsStore(host).Erase(host)
}

// craneLogin stores a login as `crane auth login` does, which saves the file again.
func craneLogin(_ context.Context, host string, as login) error {
	file, err := config.Load(os.Getenv("DOCKER_CONFIG"))
	if err != nil {
		return err
	}
	if err := file.GetCredentialsStore(host).Store(dockertypes.AuthConfig{ServerAddress: host, Username: as.user, Password: as.password}); err != nil {
		return err
	}
	return file.Save()
}

func craneLogout(_ context.Context, host string) error {
	file, err := config.Load(os.Getenv("DOCKER_CONFIG"))
	if err != nil {
		return err
	}
	if err := file.GetCredentialsStore(host).Erase(host); err != nil {
		return err
	}
	return file.Save()
}

func helmLogin(_ context.Context, host string, as login) error {
	client, err := helmClient(http.DefaultTransport)
	if err != nil {
		return err
	}
	return client.Login(host, registry.LoginOptBasicAuth(as.user, as.password))
}

func helmLogout(_ context.Context, host string) error {
	client, err := helmClient(http.DefaultTransport)
	if err != nil {
		return err
	}
	return client.Logout(host)
}

func orasLogin(ctx context.Context, host string, as login) error {
	store, err := orasStore()
	if err != nil {
		return err
	}
	registry, err := remote.NewRegistry(host)
	if err != nil {
		return err
	}
	return credentials.Login(ctx, store, registry, auth.Credential{Username: as.user, Password: as.password})
}

func orasLogout(ctx context.Context, host string) error {
	store, err := orasStore()
	if err != nil {
		return err
	}
	return credentials.Logout(ctx, store, host)
}
