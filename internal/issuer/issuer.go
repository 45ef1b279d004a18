// SPDX-License-Identifier: Apache-2.0

// Package issuer reads what an ID token's issuer publishes, the discovery
// document and the keys, and looks at it as Quay does in each exchange.
package issuer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// Fault is what would keep Quay from using an issuer.
type Fault struct {
	Name string // what was read, as "the discovery document at https://..."
	Why  string // what is wrong with it
}

// Error says what was read and what is wrong with it.
func (f *Fault) Error() string { return f.Name + " " + f.Why }

// Document is a discovery document, as far as Quay uses it (OpenID Connect
// Discovery, section 3).
type Document struct {
	Issuer  string `json:"issuer"`
	KeysURL string `json:"jwks_uri"`
}

// Discover reads an issuer's discovery document. The issuer must be https, and the
// document must name it, except for a slash at the end, as Quay requires from 3.18 on;
// for older Quays compare Document's Issuer. The errors are [*Fault] and those of
// [endpoint.Client.Do].
func Discover(ctx context.Context, client *endpoint.Client, issuer string) (Document, error) {
	var document Document
	address := idtoken.DiscoveryURL(issuer)
	name := "the discovery document at " + address
	if !strings.HasPrefix(issuer, "https://") {
		return document, &Fault{name, "is not asked for: Quay needs https"}
	}
	if parsed, err := url.Parse(issuer); err != nil || parsed.Host == "" {
		return document, &Fault{name, "cannot be asked for: that is no URL"}
	}
	body, err := read(ctx, client, name, address)
	if err != nil {
		return document, err
	}
	switch {
	case json.Unmarshal(body, &document) != nil:
		return document, &Fault{name, "is no JSON object"}
	case idtoken.PlainHTTP(document.Issuer):
		return document, &Fault{name, "names the issuer " + document.Issuer + ", so the provider does not know that it is reached by https; Keycloak: KC_HOSTNAME or KC_PROXY_HEADERS"}
	case document.KeysURL == "":
		return document, &Fault{name, "names no keys (jwks_uri)"}
	case strings.TrimSuffix(document.Issuer, "/") != strings.TrimSuffix(issuer, "/"):
		return document, &Fault{name, fmt.Sprintf("names another issuer, %q", document.Issuer)}
	}
	return document, nil
}

// read gets what is published at an address.
func read(ctx context.Context, client *endpoint.Client, name, address string) ([]byte, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return nil, &Fault{name, "cannot be asked for: that is no URL"}
	}
	answer, err := client.Do(ctx, name, func(context.Context) (*http.Request, error) {
		return &http.Request{Method: http.MethodGet, URL: parsed, Header: http.Header{"Accept": {"application/json"}}}, nil
	})
	switch {
	case err != nil:
		return nil, err
	case answer.Header.Get("Location") != "":
		return nil, &Fault{name, fmt.Sprintf("is a redirect to %q (HTTP %d), which Quay follows and this program does not", answer.Header.Get("Location"), answer.Status)}
	case answer.Status != http.StatusOK:
		return nil, &Fault{name, fmt.Sprintf("is answered with HTTP %d", answer.Status)}
	}
	return answer.Body, nil
}
