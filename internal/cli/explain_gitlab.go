// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"

	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// explain is [explain] with what this job's variables add to it.
func (a *app) explain(err error) host.Message {
	message := explain(err)
	var refusal *quay.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != quay.WrongSubject {
		return message
	}
	if fork, project, ok := idtoken.ForkMergeRequest(a.env.Getenv); ok {
		message.Hints = append([]string{
			fmt.Sprintf("this job is for a merge request from the fork %s, whose subject its ID token has: log in after the merge, in a pipeline of %s", fork, project),
			`to leave such jobs out: rules: [{if: '$CI_PIPELINE_SOURCE != "merge_request_event" || $CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_MERGE_REQUEST_PROJECT_PATH'}]`,
			"an entry as below would let everybody who can push to the fork log in",
		}, message.Hints...)
	}
	return message
}
