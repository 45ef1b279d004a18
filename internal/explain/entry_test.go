// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"strings"
	"testing"

	"quay-keyless/internal/quay"
)

// The API has a person's robots at another address than an organization's.
func TestAddressOfARobot(t *testing.T) {
	t.Parallel()
	for owner, want := range map[quay.Owner]string{
		quay.Person:       "https://quay.example.com/api/v1/user/robots/ci",
		quay.Organization: "https://quay.example.com/api/v1/organization/acme/robots/ci",
		quay.UnknownOwner: "https://quay.example.com/api/v1/organization/acme/robots/ci",
	} {
		f := &facts{target: sampleTarget(), claims: plainClaims(), refusal: &quay.Refusal{Owner: owner}, err: errors.New("no")}
		if got := f.known().Replace("{robot-address}"); !strings.HasPrefix(got, want) {
			t.Errorf("%v: %v, want %s", owner, got, want)
		}
	}
}
