// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"quay-keyless/internal/ascii"
)

// Registry is where Quay answers, and the key for a login to it.
type Registry struct {
	Host      string // HOST or HOST:PORT, in lower case, as tools look it up
	Namespace string // the ORG of HOST/ORG, else ""
	PlainHTTP bool   // the user wrote http://
}

// ParseRegistry reads HOST, HOST:PORT, HOST/ORG, or a URL of one of these with
// http or https, as in Red Hat's article (https://quay.io). The errors are
// about the form; nothing is looked up.
func ParseRegistry(text string) (Registry, error) {
	r, err := parseRegistry(text)
	if err != nil && strings.Contains(text, "@") { // there may be a password in it
		return Registry{}, fmt.Errorf("registry: %w", err)
	}
	if err != nil {
		return Registry{}, fmt.Errorf("registry %+q: %w", text, err)
	}
	return r, nil
}

func parseRegistry(text string) (Registry, error) {
	var r Registry
	rest := text
	if scheme, after, ok := strings.Cut(text, "://"); ok {
		switch strings.ToLower(scheme) {
		case "https":
		case "http":
			r.PlainHTTP = true
		default:
			return Registry{}, fmt.Errorf("the scheme is %q, not http or https", scheme)
		}
		rest = after
	}
	host, path, _ := strings.Cut(rest, "/")
	if err := ascii.Host(host); err != nil { // before it is in lower case, where \u212a is a k
		return Registry{}, err
	}
	r.Host, r.Namespace = strings.ToLower(host), strings.TrimRight(path, "/")
	if r.Namespace == "v1" || r.Namespace == "v2" { // of the registry's API, as docker writes it
		r.Namespace = ""
	}
	switch {
	case r.Host == "":
		return Registry{}, errors.New("there is no host name in it")
	case strings.ContainsAny(rest, "@?#%!$&'()*+,;=\"<>"): // most of which net/url takes for a part of the host
		return Registry{}, errors.New("only a host, a port and an organization can stand in it")
	case strings.Contains(r.Namespace, "/"):
		return Registry{}, fmt.Errorf("the path %q has more than one part: it can only name an organization", r.Namespace)
	case ascii.Check(r.Namespace) != nil:
		return Registry{}, fmt.Errorf("in the organization's name, %w", ascii.Check(r.Namespace))
	case r.Namespace != "" && !namespace.MatchString(r.Namespace):
		return Registry{}, fmt.Errorf("%q cannot be an organization's name", r.Namespace)
	}
	return r, r.checkHost()
}

// checkHost refuses hosts that cannot be reached, or that the tools reject:
// go-containerregistry's rule for names is theirs.
func (r Registry) checkHost() error {
	u, err := url.Parse("https://" + r.Host)
	if err != nil || u.Hostname() == "" || u.Host != r.Host {
		return fmt.Errorf("%q is not a host name with an optional port", r.Host)
	}
	if port := u.Port(); port != "" || strings.HasSuffix(r.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("the port %q is not a number from 1 to 65535", port)
		}
	}
	registry, err := name.NewRegistry(r.Host, name.StrictValidation)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a host name with an optional port", r.Host)
	case registry.RegistryStr() != r.Host: // docker.io, which stands for another name
		return errors.New("that is Docker Hub, not a Quay")
	}
	return nil
}

// Key is the auth file's key: the bare host, or HOST/ORG where the user wrote
// that (containers-auth.json(5)).
func (r Registry) Key() string {
	if r.Namespace != "" {
		return r.Host + "/" + r.Namespace
	}
	return r.Host
}

// String is the key, with the scheme where it is not https.
func (r Registry) String() string {
	if r.PlainHTTP {
		return "http://" + r.Key()
	}
	return r.Key()
}

// scheme is the one the user chose.
func (r Registry) scheme() string {
	if r.PlainHTTP {
		return "http"
	}
	return "https"
}

// url is an address at the registry.
func (r Registry) url(path string) *url.URL {
	return &url.URL{Scheme: r.scheme(), Host: r.Host, Path: path}
}
