// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"testing"
	"time"

	"quay-keyless/internal/platform"
)

func TestJobEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		started, timeout string
		want             string
	}{
		"a GitLab job":         {"2026-11-22T08:00:00Z", "7200", "2026-11-22T10:00:00Z"},
		"with an offset":       {"2026-11-22T09:00:00+01:00", "60", "2026-11-22T08:01:00Z"},
		"elsewhere":            {"", "", ""},
		"before GitLab 15.7":   {"2026-11-22T08:00:00Z", "", ""},
		"no number":            {"2026-11-22T08:00:00Z", "1h", ""},
		"no time":              {"today", "60", ""},
		"nothing":              {"2026-11-22T08:00:00Z", "0", ""},
		"longer than anything": {"2026-11-22T08:00:00Z", "99999999999", ""},
	} {
		variables := map[string]string{"CI_JOB_STARTED_AT": test.started, "CI_JOB_TIMEOUT": test.timeout}
		end, known := platform.JobEnd(func(name string) string { return variables[name] })
		got := ""
		if known {
			got = end.UTC().Format(time.RFC3339)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
