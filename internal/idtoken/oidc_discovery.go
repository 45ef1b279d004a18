// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"quay-keyless/internal/ascii"
)

// provider is what the program uses of an issuer's discovery document (OpenID Connect
// Discovery, section 3; RFC 8414, section 2; RFC 9207).
type provider struct {
	Issuer      string   `json:"issuer"`
	AuthURL     string   `json:"authorization_endpoint"`
	TokenURL    string   `json:"token_endpoint"`
	DeviceURL   string   `json:"device_authorization_endpoint"`
	KeysURL     string   `json:"jwks_uri"` // for Quay
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself bool     `json:"authorization_response_iss_parameter_supported"`
}

func secure(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && ascii.Host(u.Host) == nil
}

// PlainHTTP reports an address by http. In a discovery document that was read by https it
// means that the provider does not know about the TLS in front of it.
func PlainHTTP(address string) bool { return strings.HasPrefix(strings.ToLower(address), "http://") }

// DiscoveryURL is the address of an issuer's discovery document: below the issuer's path,
// without a slash at its end.
func DiscoveryURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// discover reads the issuer's discovery document. It must name the same issuer byte for
// byte, because one provider could pose as another, and https endpoints, because secrets
// go there.
func (o OIDC) discover(ctx context.Context) (provider, error) {
	u, err := url.Parse(DiscoveryURL(o.Client.Issuer))
	if err != nil || u.Host == "" || u.Scheme != "https" {
		return provider{}, missing(Insecure, "the issuer is not an https URL")
	}
	q := question{o.Env.Endpoint, "the OIDC provider", u, http.Header{"Accept": {"application/json"}}, nil}
	answer, err := q.do(ctx)
	p := provider{}
	switch {
	case err != nil:
		return p, err
	case answer.Status != http.StatusOK:
		return p, missing(NotOIDC, "there is no OIDC provider at %s: HTTP %d%s", u, answer.Status, redirect(answer))
	case json.Unmarshal(answer.Body, &p) != nil || p.Issuer == "":
		return p, missing(NotOIDC, "there is no OIDC provider at %s: the answer is not a discovery document", u)
	}
	if PlainHTTP(p.KeysURL) {
		o.Env.Say("Quay reads the provider's keys from " + p.KeysURL + ", without https: anyone on the way can change them")
	}
	for _, address := range []string{p.Issuer, p.AuthURL, p.TokenURL, p.DeviceURL} {
		switch {
		case PlainHTTP(address):
			return p, missing(BehindProxy, "the provider at %s names the address %s, without https", o.Client.Issuer, address)
		case address != "" && !secure(address):
			return p, missing(Insecure, "the provider names %+q, which is not an https URL with an ASCII host name", address)
		}
	}
	if p.Issuer != o.Client.Issuer {
		return p, missing(OtherIssuer, "the provider at %s names the issuer %s", o.Client.Issuer, p.Issuer)
	}
	return p, nil
}
