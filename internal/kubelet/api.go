// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// API is the cluster's API server, asked as the node. Its credential goes nowhere else.
type API struct {
	client *endpoint.Client
	server string
	token  idtoken.Secret
}

// kubeconfig is what is read of one: the first cluster and user, as kubelets have them.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server string `yaml:"server"`
			CA     string `yaml:"certificate-authority"`
			CAData string `yaml:"certificate-authority-data"`
		} `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		User struct {
			Token           secret `yaml:"token"`
			Certificate     string `yaml:"client-certificate"`
			Key             string `yaml:"client-key"`
			CertificateData string `yaml:"client-certificate-data"`
			KeyData         string `yaml:"client-key-data"`
		} `yaml:"user"`
	} `yaml:"users"`
}

// NewAPI reads the node's kubeconfig. It contacts nothing.
func NewAPI(ctx context.Context, run *process.Run, flags request.IdentityFlags, path string) (*API, error) {
	readFile := run.Env.Reader(ctx)
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig: %w", err)
	}
	var c kubeconfig
	if yaml.Unmarshal(text, &c) != nil || len(c.Clusters) == 0 || len(c.Users) == 0 {
		return nil, fmt.Errorf("%s is not a kubeconfig with a cluster and a user", path)
	}
	cluster, user := c.Clusters[0].Cluster, c.Users[0].User
	if !strings.HasPrefix(cluster.Server, "https://") {
		return nil, fmt.Errorf("%s names the API server %q, which is not an https URL: the node's credential is not sent there", path, cluster.Server)
	}
	or := func(data, path string) []byte {
		text, problem := base64.StdEncoding.DecodeString(data)
		if data == "" && path != "" {
			text, problem = readFile(path)
		}
		err = errors.Join(err, problem)
		return text
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(or(cluster.CAData, cluster.CA))
	if certificate := or(user.CertificateData, user.Certificate); len(certificate) > 0 && err == nil {
		var pair tls.Certificate
		pair, err = tls.X509KeyPair(certificate, or(user.KeyData, user.Key))
		config.Certificates = []tls.Certificate{pair}
	}
	run.Secrets.Add(user.Token.Secret)
	return &API{login.Endpoint(run, flags, run.Env.Transport(config)), strings.TrimSuffix(cluster.Server, "/"), user.Token.Secret}, err
}

// ask sends an object, or nothing, and reads the answer into it.
func (a *API) ask(ctx context.Context, method, path string, object any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	address, err := url.Parse(a.server + path)
	if err != nil {
		return err
	}
	answer, err := a.client.Do(ctx, "the API server", func(context.Context) (*http.Request, error) {
		r := &http.Request{Method: method, URL: address, Header: http.Header{"Content-Type": {"application/json"}}}
		if method == http.MethodPost {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		if !a.token.Empty() {
			r.Header.Set("Authorization", "Bearer "+a.token.Reveal())
		}
		return r, nil
	})
	if err != nil {
		return err
	}
	if answer.Status >= http.StatusMultipleChoices {
		var status struct{ Message string }
		_ = json.Unmarshal(answer.Body, &status)
		return fmt.Errorf("the API server refused: %q (HTTP %d)", status.Message, answer.Status)
	}
	return json.Unmarshal(answer.Body, object)
}

// MayRequest reports whether the node may request tokens with the audience.
func (a *API) MayRequest(ctx context.Context, audience string) (bool, error) {
	var review struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Spec       struct {
			Attributes map[string]string `json:"resourceAttributes"`
		} `json:"spec"`
		Status struct{ Allowed bool } `json:"status"`
	}
	review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SelfSubjectAccessReview"
	review.Spec.Attributes = map[string]string{"verb": "request-serviceaccounts-token-audience", "resource": audience}
	err := a.ask(ctx, http.MethodPost, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review)
	return review.Status.Allowed, err
}

// object is what is read of Pods and service accounts.
type object struct {
	Metadata struct {
		Name, UID   string
		Annotations map[string]string
	}
	Spec struct{ ServiceAccountName string }
}

// Request is the request that the kubelet would make for a Pod of this node and an image of
// a registry.
func (a *API) Request(ctx context.Context, namespace, pod, host, audience string) (Request, error) {
	var p, account object
	folder := "/api/v1/namespaces/" + url.PathEscape(namespace)
	if err := a.ask(ctx, http.MethodGet, folder+"/pods/"+url.PathEscape(pod), &p); err != nil {
		return Request{}, err
	}
	path := folder + "/serviceaccounts/" + url.PathEscape(p.Spec.ServiceAccountName)
	if err := a.ask(ctx, http.MethodGet, path, &account); err != nil {
		return Request{}, err
	}
	robots, err := robotsOf(account.Metadata.Annotations)
	if err != nil {
		return Request{}, err
	}
	var token struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Spec       map[string]any `json:"spec"`
		Status     struct {
			Token secret `json:"token"`
		} `json:"status,omitzero"`
	}
	token.APIVersion, token.Kind = "authentication.k8s.io/v1", "TokenRequest"
	token.Spec = map[string]any{"audiences": []string{audience}, "boundObjectRef": map[string]string{
		"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": p.Metadata.UID,
	}}
	err = a.ask(ctx, http.MethodPost, path+"/token", &token)
	return Request{Host: host, Token: token.Status.Token.Secret, Robots: robots}, err
}
