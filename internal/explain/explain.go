// SPDX-License-Identifier: Apache-2.0

// Package explain turns errors into messages: what happened, what to do, and commands to
// paste.
package explain

import (
	"errors"

	"quay-keyless/internal/endpoint"
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
		usage       *request.UsageError
		idToken     *login.RefusedIDToken
		refused     *login.RefusedLogin
		missing     *idtoken.Error
		unanswered  *idtoken.Unanswered
		unreachable *endpoint.Unreachable

		unbelievable *endpoint.Unbelievable
		conflict     *login.ConflictError
		interrupted  *process.Interrupted
		hinted       interface{ Hints() []string }
	)
	message := platform.Message{Text: err.Error()}
	switch {
	case errors.As(err, &interrupted):
		message.Text = interrupted.Error()
	case errors.As(err, &hinted):
		message.Hints = hinted.Hints()
		message.Entry, message.Grant = lacking(err)
	case errors.As(err, &conflict):
		return login.ConflictWords(conflict.Conflict, nil)
	case errors.As(err, &usage):
		message.Hints = usageHints(usage)
	case managementHints(err) != nil:
		message.Hints = managementHints(err)
	case errors.As(err, &missing):
		message.Hints = idTokenHints(missing)
	case errors.As(err, &unanswered):
		message.Hints = unansweredHints(unanswered)
	case errors.As(err, &idToken):
		return exchangeMessage(idToken)
	case errors.As(err, &refused):
		message.Hints = append(loginHints(refused), DoctorLine(refused.Target))
		message.Grant = grant(refused)
	case errors.As(err, &unreachable):
		message.Hints = NetworkHints(unreachable)
	case errors.As(err, &unbelievable):
		message.Hints = []string{ownName}
	case login.HelperHints(err) != nil:
		message.Hints = login.HelperHints(err)
	default:
		message.Hints = login.AuthFileHints(err)
	}
	return message
}

// lacking is the federation entry or permission that Quay lacks, if that is the problem.
func lacking(err error) (*platform.Entry, *platform.Grant) {
	var idToken *login.RefusedIDToken
	var refused *login.RefusedLogin
	switch {
	case errors.As(err, &idToken):
		return exchangeMessage(idToken).Entry, nil
	case errors.As(err, &refused):
		return nil, grant(refused)
	}
	return nil, nil
}

// ownName is for an answer that no registry gives.
const ownName = "is that the registry's own host name, with nothing in front of it that wants a sign-in or speaks another protocol?"

func usageHints(usage *request.UsageError) []string {
	return []string{usage.Command + " --help"}
}
