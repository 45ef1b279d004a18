// SPDX-License-Identifier: Apache-2.0

// Package kubelet is the kubelet's image credential provider (KEP-4412): the protocol of
// the plugin, what a cluster needs to call it, and the kubelet's own rules for that.
package kubelet

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// Annotation is the service account's annotation that names the robot: ORG+NAME, or
// lines of HOST/ORG+NAME.
const Annotation = "quay-keyless/robot"

// apiVersion is the only version whose requests have a service account token.
const apiVersion = "credentialprovider.kubelet.k8s.io/v1"

// Limits of a request. Kubernetes limits annotations to 256 KiB.
const (
	maxRequest = 1 << 20
	maxRobots  = 20
)

// Request is what the kubelet asks: a login for one image.
type Request struct {
	Host   string // of the image, as written there
	Token  idtoken.Secret
	Robots []string // the lines of the annotation
}

// secret is a token that is never plain text in a struct.
type secret struct{ idtoken.Secret }

// UnmarshalText reads the token.
func (s *secret) UnmarshalText(text []byte) error {
	s.Secret = idtoken.NewSecret(string(text))
	return nil
}

// Read reads a CredentialProviderRequest. The errors are [*request.UsageError], or
// [*idtoken.Error] if there is no token.
func Read(stdin io.Reader) (Request, error) {
	text, err := io.ReadAll(io.LimitReader(stdin, maxRequest+1))
	if err != nil {
		return Request{}, fmt.Errorf("reading the kubelet's request: %w", err)
	}
	var body struct {
		Kind                string            `json:"kind"`
		APIVersion          string            `json:"apiVersion"`
		Image               string            `json:"image"`
		ServiceAccountToken secret            `json:"serviceAccountToken"`
		Annotations         map[string]string `json:"serviceAccountAnnotations"`
	}
	switch {
	case len(text) > maxRequest:
		return Request{}, bad("the request has more than %d bytes", maxRequest)
	case strings.TrimSpace(string(text)) == "":
		return Request{}, bad("standard input is empty: the kubelet runs this command and writes a CredentialProviderRequest to it")
	case json.Unmarshal(text, &body) != nil: // its error quotes the input
		return Request{}, bad("standard input is not a CredentialProviderRequest in JSON")
	case body.Kind != "CredentialProviderRequest":
		return Request{}, bad("standard input has the kind %q, not CredentialProviderRequest", body.Kind)
	case body.APIVersion != apiVersion:
		return Request{}, bad("the request has the API version %q: configure the plugin with apiVersion: %s, which carries a service account token", body.APIVersion, apiVersion)
	case body.ServiceAccountToken.Empty():
		return Request{}, &idtoken.Error{Problem: idtoken.Empty, Source: sourceName,
			Detail: "is missing: add tokenAttributes to the plugin's configuration (quay-keyless credential-provider config)"}
	}
	host, err := hostOf(body.Image)
	if err != nil {
		return Request{}, err
	}
	robots, err := robotsOf(body.Annotations)
	return Request{Host: host, Token: body.ServiceAccountToken.Secret, Robots: robots}, err
}

// hostOf is the registry of an image, which has no tag: HOST[:PORT]/PATH.
func hostOf(image string) (string, error) {
	host, path, found := strings.Cut(image, "/")
	if !found || path == "" || host != "localhost" && !strings.ContainsAny(host, ".:") {
		return "", bad("the image %q does not name a registry, so it is not from Quay", image)
	}
	if _, err := quay.ParseRegistry(host); err != nil {
		return "", bad("the image %q: %w", image, err)
	}
	return host, nil
}

// robotsOf are the lines of the annotation. They name no scheme: how to reach a registry
// is the node's decision, not the service account's.
func robotsOf(annotations map[string]string) ([]string, error) {
	value, found := annotations[Annotation]
	robots := request.Lines(value)
	switch {
	case !found:
		return nil, bad("the request has no annotation %s: add it to requiredServiceAccountAnnotationKeys in the plugin's configuration", Annotation)
	case len(robots) == 0:
		return nil, bad("the service account's annotation %s is empty", Annotation)
	case len(robots) > maxRobots:
		return nil, bad("the service account's annotation %s names %d robots, more than %d", Annotation, len(robots), maxRobots)
	case strings.Contains(value, "://"):
		return nil, bad("the service account's annotation %s has a URL: write HOST/ORG+NAME", Annotation)
	}
	return robots, nil
}

// bad is the error of a request that must not be answered.
func bad(format string, args ...any) error {
	return &request.UsageError{Err: fmt.Errorf(format, args...)}
}

// Targets are the robots at the image's registry, each with its key in the answer. A
// robot without a host is one of the image's registry.
func (r Request) Targets(flags request.ExchangeFlags) ([]request.Target, error) {
	flags.Robots = r.Robots
	all, err := flags.Targets(r.Host)
	if err != nil {
		return nil, bad("the service account's annotation %s: %w", Annotation, err)
	}
	elsewhere := func(t request.Target) bool { return !strings.EqualFold(t.Registry.Host, r.Host) }
	targets := slices.DeleteFunc(all, elsewhere)
	if len(targets) == 0 {
		return nil, bad("no robot in the service account's annotation %s is for %s, the image's registry", Annotation, r.Host)
	}
	return targets, nil
}
