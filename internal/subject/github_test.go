// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"strings"
	"testing"

	"quay-keyless/internal/endpoint"
)

// FuzzGitHubPrefix holds what is read of GitHub's answer to the form of a
// subject: nothing else may get into a federation entry.
func FuzzGitHubPrefix(f *testing.F) {
	for _, body := range []string{
		`{"use_default":true,"use_immutable_subject":false,"sub_claim_prefix":"repo:acme@1/app@2"}`,
		`{"use_default":false,"include_claim_keys":["repo","context"]}`, `{"use_default":false,"include_claim_keys":["job_workflow_ref"]}`,
		`{"sub_claim_prefix":"repo:acme/app:ref:x"}`, `{"sub_claim_prefix":"repo:*"}`, `{"sub_claim_prefix":7}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		prefix, err := readPrefix("GitHub's API", "acme/app", &endpoint.Answer{Status: 200, Body: body})
		if err == nil && (!githubPrefix().MatchString(prefix) || strings.ContainsAny(prefix, "* \n")) {
			t.Errorf("%q gave %q", body, prefix)
		}
	})
}
