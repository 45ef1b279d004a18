// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"quay-keyless/internal/sandbox/web"
)

func FuzzBasicCredential(f *testing.F) {
	for _, seed := range []string{"", "Basic YTpi", "basic YTpi====", "Basic !!!", "Basic a", "Bearer x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		user, password, err := basicCredential(header)
		var told web.Answer
		if err != nil && (!errors.As(err, &told) || told.Status != http.StatusUnauthorized) {
			t.Errorf("%q: %v is not one of the 401s", header, err)
		}
		if err != nil && user+password != "" || strings.Contains(user, ":") {
			t.Errorf("%q: %q %q %v", header, user, password, err)
		}
	})
}
