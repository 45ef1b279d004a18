// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
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

// object is what is read of an answer: a Pod, a service account, a review, a token, or the
// Message of a refusal.
type object struct {
	Metadata struct {
		UID         string
		Annotations map[string]string
	}
	Spec   struct{ ServiceAccountName string }
	Status struct {
		Allowed bool
		Token   secret
	}
	Message string
}

// ask sends a body, or reads if there is none.
func (a *API) ask(ctx context.Context, path string, body any) (object, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return object{}, err
	}
	address, err := url.Parse(a.server + path)
	if err != nil {
		return object{}, err
	}
	answer, err := a.client.Do(ctx, "the API server", func(context.Context) (*http.Request, error) {
		r := &http.Request{Method: http.MethodGet, URL: address, Header: http.Header{"Content-Type": {"application/json"}}}
		if body != nil {
			r.Method = http.MethodPost
			endpoint.SetBody(r, text)
		}
		if !a.token.Empty() {
			r.Header.Set("Authorization", "Bearer "+a.token.Reveal())
		}
		return r, nil
	})
	if err != nil {
		return object{}, err
	}
	var got object
	err = json.Unmarshal(answer.Body, &got)
	if answer.Status >= http.StatusMultipleChoices {
		err = fmt.Errorf("the API server refused: %q (HTTP %d)", got.Message, answer.Status)
	}
	return got, err
}

// MayRequest reports whether the node may request tokens with the audience.
func (a *API) MayRequest(ctx context.Context, audience string) (bool, error) {
	may := map[string]string{"verb": "request-serviceaccounts-token-audience", "resource": audience}
	review, err := a.ask(ctx, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": map[string]any{"resourceAttributes": may},
	})
	return review.Status.Allowed, err
}

// Request is the request that the kubelet would make for a Pod of this node and an image of
// a registry.
func (a *API) Request(ctx context.Context, namespace, pod, host, audience string) (Request, error) {
	folder := "/api/v1/namespaces/" + url.PathEscape(namespace)
	p, err := a.ask(ctx, folder+"/pods/"+url.PathEscape(pod), nil)
	if err != nil {
		return Request{}, err
	}
	path := folder + "/serviceaccounts/" + url.PathEscape(p.Spec.ServiceAccountName)
	account, err := a.ask(ctx, path, nil)
	if err != nil {
		return Request{}, err
	}
	robots, err := robotsOf(account.Metadata.Annotations)
	if err != nil {
		return Request{}, err
	}
	bound := map[string]string{"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": p.Metadata.UID}
	token, err := a.ask(ctx, path+"/token", map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
		"spec": map[string]any{"audiences": []string{audience}, "boundObjectRef": bound},
	})
	return Request{Host: host, Token: token.Status.Token.Secret, Robots: robots}, err
}
