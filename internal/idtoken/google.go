// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
)

// Google is the identity of a machine, pod or job in Google Cloud, from its metadata
// server. Every machine there answers, so the user must choose it.
type Google struct {
	chosen
	chooser
	Env Env
}

// flavor is the header that both sides of the metadata server set
// (cloud.google.com/compute/docs/metadata/querying-metadata).
const flavor = "Metadata-Flavor"

// Name is google.
func (Google) Name() string { return "google" }

// IDToken asks for a token of the default service account with that audience
// (cloud.google.com/compute/docs/instances/verifying-instance-identity). It never uses a
// proxy. Plain http is fine: the server is on this machine's own link and has no other.
func (g Google) IDToken(ctx context.Context, audience string) (Token, error) {
	u := &url.URL{
		Scheme:   "http",
		Host:     cmp.Or(g.Env.Getenv("GCE_METADATA_HOST"), "metadata.google.internal"),
		Path:     "/computeMetadata/v1/instance/service-accounts/default/identity",
		RawQuery: url.Values{"audience": {audience}, "format": {"full"}}.Encode(),
	}
	q := question{g.Env.Direct, g.Name(), "Google's metadata server", u, http.Header{flavor: {"Google"}}, nil}
	answer, err := q.ask(ctx)
	if err != nil {
		return Token{}, err
	}
	if answer.Header.Get(flavor) != "Google" {
		return Token{}, q.odd("answered without the header " + flavor + ", so it is something else")
	}
	return Usable(g.Name(), string(answer.Body))
}
