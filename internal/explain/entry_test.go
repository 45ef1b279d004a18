// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"testing"

	"quay-keyless/internal/quay"
)

// The API has a person's robots at another address than an organization's.
func TestAddressOfARobot(t *testing.T) {
	t.Parallel()
	for owner, want := range map[quay.Owner]string{
		quay.Person:       "https://quay.example.com/api/v1/user/robots/ci/federation",
		quay.Organization: "https://quay.example.com/api/v1/organization/acme/robots/ci/federation",
		quay.UnknownOwner: "https://quay.example.com/api/v1/organization/acme/robots/ci/federation",
	} {
		if got := byAPI(sampleTarget(), plainClaims(), owner); !strings.HasPrefix(got.Values[0].Value, want) {
			t.Errorf("%v: %v, want %s", owner, got.Values, want)
		}
	}
}
