// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// holderVariables identify a job among all that run at the same time: a runner has one
// job at once, and only jobs in containers share the folder's name.
var holderVariables = []string{"GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "RUNNER_NAME", "RUNNER_TEMP"}

// Holder names this job as one that needs logins. On GitHub the post step gets the same
// name from the state that [Platform.Remember] saves. Elsewhere it is "". It is not a
// secret, and all steps of a job share it, so that a second login replaces the first.
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
