// SPDX-License-Identifier: Apache-2.0

// Package explain turns errors into messages: what happened, what to do, and commands to
// paste.
package explain

import (
	"errors"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// Message turns an error into what people read: the error in one line, then what to do.
// Each kind has a file in this package.
func Message(err error) platform.Message {
	var (
		interrupted  *process.Interrupted
		conflict     *login.ConflictError
		usage        *request.UsageError
		api          *federation.RefusedAPI
		lost         *federation.LostAudiences
		missing      *idtoken.Error
		unanswered   *idtoken.Unanswered
		idToken      *login.RefusedIDToken
		refused      *login.RefusedLogin
		unreachable  *endpoint.Unreachable
		unbelievable *endpoint.Unbelievable
		hinted       interface{ Hints() []string }
	)
	message := platform.Message{Text: err.Error()}
	switch {
	case errors.As(err, &interrupted):
		return platform.Message{Text: interrupted.Error()}
	case errors.As(err, &conflict):
		message = login.ConflictWords(conflict.Conflict, nil)
	case errors.As(err, &usage):
		message.Hints = []string{usage.Command + " --help"}
	case errors.As(err, &api):
		message.Hints = apiHints(api)
	case errors.As(err, &lost):
		message.Hints = lostAudiencesHints(lost)
	case errors.As(err, &missing):
		message.Hints = idTokenHints(missing)
	case errors.As(err, &unanswered):
		message.Hints = unansweredHints(unanswered)
	case errors.As(err, &idToken):
		message = exchangeMessage(idToken)
	case errors.As(err, &refused):
		message.Hints = append(loginHints(refused), DoctorLine(refused.Target))
		message.Grant = grant(refused)
	case errors.As(err, &unreachable):
		message.Hints = NetworkHints(unreachable)
	case errors.As(err, &unbelievable):
		message.Hints = []string{ownName}
	default:
		message.Hints = login.FileHints(err)
	}
	if errors.As(err, &hinted) { // it knows its cure, and may wrap one of those above
		message.Text, message.Hints = err.Error(), hinted.Hints()
	}
	return message
}

// ownName is for an answer that no registry gives.
const ownName = "is that the registry's own host name, with nothing in front of it that wants a sign-in or speaks another protocol?"
