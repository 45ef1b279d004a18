// SPDX-License-Identifier: Apache-2.0

// Runtime is a container runtime for a real kubelet: Kubernetes' own fake, which runs
// nothing, but pulls each image with the login that the kubelet hands it. It writes each
// pull to standard output as a line of JSON.
//
// Usage: runtime SOCKET CA
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"google.golang.org/grpc"
	kubeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/fake"
)

// pull is what one call of PullImage did.
type pull struct {
	Image, User, Password, Digest, Error string
}

// runtime is the fake with real pulls.
type runtime struct {
	*fake.RemoteRuntime
	transport http.RoundTripper

	mu  sync.Mutex
	out *json.Encoder
}

func main() {
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func serve(socket, ca string) error {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	r := &runtime{RemoteRuntime: fake.NewFakeRemoteRuntime(), transport: transport, out: json.NewEncoder(os.Stdout)}
	r.RuntimeService.FakeStatus = &kubeapi.RuntimeStatus{Conditions: []*kubeapi.RuntimeCondition{
		{Type: kubeapi.RuntimeReady, Status: true}, {Type: kubeapi.NetworkReady, Status: true},
	}}
	r.ImageService.SetFakeImageSize(1)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	kubeapi.RegisterRuntimeServiceServer(server, r)
	kubeapi.RegisterImageServiceServer(server, r)
	return server.Serve(listener)
}

// PullImage pulls the image, whole, before the fake pretends to.
func (r *runtime) PullImage(ctx context.Context, request *kubeapi.PullImageRequest) (*kubeapi.PullImageResponse, error) {
	p := pull{Image: request.GetImage().GetImage(), User: request.GetAuth().GetUsername(), Password: request.GetAuth().GetPassword()}
	err := r.pull(ctx, &p)
	if err != nil {
		p.Error = err.Error()
	}
	r.mu.Lock()
	_ = r.out.Encode(p)
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return r.RemoteRuntime.PullImage(ctx, request)
}

func (r *runtime) pull(ctx context.Context, p *pull) error {
	reference, err := name.ParseReference(p.Image)
	if err != nil {
		return err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithTransport(r.transport)}
	if p.User != "" {
		options = append(options, remote.WithAuth(&authn.Basic{Username: p.User, Password: p.Password}))
	}
	image, err := remote.Image(reference, options...)
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		content, err := layer.Compressed()
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, content)
		if closed := content.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return fmt.Errorf("a layer: %w", err)
		}
	}
	digest, err := image.Digest()
	p.Digest = digest.String()
	return err
}
