// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"

	"helm.sh/helm/v3/pkg/helmpath"
	"helm.sh/helm/v3/pkg/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// helmClient is helm's registry client as helm's commands make it.
func helmClient(transport http.RoundTripper) (*registry.Client, error) {
	file := cmp.Or(os.Getenv("HELM_REGISTRY_CONFIG"), helmpath.ConfigPath("registry/config.json"))
	return registry.NewClient(registry.ClientOptCredentialsFile(file), registry.ClientOptHTTPClient(&http.Client{Transport: transport}))
}

// helm asks a registry for a chart's versions, because helm's client has no other
// way to show the login that it finds.
func helm(_ context.Context, image string) (login, error) {
	asked := &challenger{}
	client, err := helmClient(asked)
	if err != nil {
		return login{}, err
	}
	_, err = client.Tags(chart(image))
	if asked.shown || errors.Is(err, auth.ErrBasicCredentialNotFound) {
		return asked.found, nil
	}
	return login{}, err
}

// challenger is a registry that lets nobody in and notes who tried.
type challenger struct {
	found login
	shown bool
}

// RoundTrip answers every request with a challenge.
func (c *challenger) RoundTrip(request *http.Request) (*http.Response, error) {
	if user, password, shown := request.BasicAuth(); shown {
		c.found, c.shown = login{user, password}, true
	}
	return &http.Response{
		StatusCode: http.StatusUnauthorized,
		Header:     http.Header{"Www-Authenticate": {`Basic realm="probe"`}},
		Body:       http.NoBody,
		Request:    request,
	}, nil
}

func chart(image string) string {
	if host(image) == image {
		return image + "/acme/chart"
	}
	return image
}
