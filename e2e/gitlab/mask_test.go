// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"regexp"
	"strings"
)

// word is a token of GitLab's own, which the runner knows by its prefix; by the
// server's order there can be more prefixes.
var word = regexp.MustCompile(`glpat-[0-9A-Za-z._=-]+`)

// mask is a log as GitLab's runner (19.4) shows it: without the values of the
// variables that the server marks as masked, among them all ID tokens, and
// without tokens of GitLab's own. A job cannot add to that.
func mask(log string, masked ...string) string {
	for _, value := range masked {
		log = strings.ReplaceAll(log, value, "[MASKED]")
	}
	return word.ReplaceAllString(log, "glpat-[MASKED]")
}
