// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"strconv"
	"time"
)

// JobEnd is the latest end of this job, if the platform tells: GitLab does by
// CI_JOB_STARTED_AT (ISO 8601) and CI_JOB_TIMEOUT (seconds), since 15.7. GitHub and
// Tekton do not.
func JobEnd(getenv func(string) string) (time.Time, bool) {
	started, err := time.Parse(time.RFC3339, getenv("CI_JOB_STARTED_AT"))
	if err != nil {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseUint(getenv("CI_JOB_TIMEOUT"), 10, 31)
	if err != nil || seconds == 0 {
		return time.Time{}, false
	}
	return started.Add(time.Duration(seconds) * time.Second), true
}
