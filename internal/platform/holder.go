// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// holderVariables tell one job from all others that run at the same time: a runner
// has one job at once, and only jobs in containers share the folder's name.
var holderVariables = []string{"GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "RUNNER_NAME", "RUNNER_TEMP"}

// Holder names this job as one that holds logins, where its end will name it again:
// on GitHub, by the state that [Platform.Remember] saves. Elsewhere it is "". It is no
// secret, and the same for all steps of a job, so that a login takes the place of an
// earlier one of the same job.
func Holder(getenv func(string) string) string {
	if getenv("GITHUB_ACTIONS") != "true" || getenv("GITHUB_STATE") == "" {
		return ""
	}
	var values []string
	for _, name := range holderVariables {
		values = append(values, getenv(name))
	}
	sum := sha256.Sum256([]byte(strings.Join(values, "\n")))
	return hex.EncodeToString(sum[:16])
}
