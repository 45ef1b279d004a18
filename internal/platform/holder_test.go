// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"maps"
	"testing"

	"quay-keyless/internal/platform"
)

// All steps of a job are one holder, and no other job that can run at the same time
// is the same.
func TestHolder(t *testing.T) {
	t.Parallel()
	job := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_STATE": "/temp/state-1",
		"GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "build", "RUNNER_NAME": "one", "RUNNER_TEMP": "/temp",
	}
	holder := func(name, value string) string {
		job := maps.Clone(job)
		job[name] = value
		return platform.Holder(func(name string) string { return job[name] })
	}
	this := holder("", "")
	if this == "" {
		t.Fatal("the job is nobody")
	}
	for name, value := range map[string]string{"GITHUB_STATE": "/temp/state-2", "GITHUB_ACTION": "__acme_login_2"} {
		if other := holder(name, value); other != this {
			t.Errorf("the step with %s=%s is %q, not %q", name, value, other, this)
		}
	}
	for name, value := range map[string]string{
		"GITHUB_RUN_ID": "2", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_JOB": "test", "RUNNER_NAME": "two", "RUNNER_TEMP": "/other",
	} {
		if other := holder(name, value); other == this || other == "" {
			t.Errorf("the job with %s=%s is %q", name, value, other)
		}
	}
	for _, name := range []string{"GITHUB_ACTIONS", "GITHUB_STATE"} {
		if other := holder(name, ""); other != "" {
			t.Errorf("without %s, where nobody names it again, it is %q", name, other)
		}
	}
}
