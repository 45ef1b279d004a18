// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
)

// google asks the metadata server of a machine, pod or job in Google Cloud for a token of its
// default service account (cloud.google.com/compute/docs/instances/verifying-instance-identity).
// The server is on this machine's own link, so it has no https and needs no proxy.
func (e Env) google(ctx context.Context, audience string) (Token, error) {
	u := &url.URL{
		Scheme:   "http",
		Host:     cmp.Or(e.Getenv("GCE_METADATA_HOST"), "metadata.google.internal"),
		Path:     "/computeMetadata/v1/instance/service-accounts/default/identity",
		RawQuery: url.Values{"audience": {audience}, "format": {"full"}}.Encode(),
	}
	const flavor = "Metadata-Flavor" // which both sides set (cloud.google.com/compute/docs/metadata/querying-metadata)
	q := question{e.Direct, "Google's metadata server", u, http.Header{flavor: {"Google"}}, nil}
	answer, err := q.ask(ctx)
	if err != nil {
		return Token{}, err
	}
	if answer.Header.Get(flavor) != "Google" {
		return Token{}, q.odd("answered without the header " + flavor + ", so it is something else")
	}
	return Usable(string(answer.Body))
}
