// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// refusedIDToken is an exchange that did not succeed, with what the ID token
// says: everything that is needed to mend it.
type refusedIDToken struct {
	target target
	source idtoken.Source
	claims idtoken.Claims
	err    error
}

func (r *refusedIDToken) Error() string { return r.err.Error() }
func (r *refusedIDToken) Unwrap() error { return r.err }

// refusedLogin is a robot token that the registry did not take, or to which it
// did not grant a permission.
type refusedLogin struct {
	target     target
	claims     idtoken.Claims  // of the ID token that was exchanged
	permission quay.Permission // that was asked for, if one was
	err        error
}

func (r *refusedLogin) Error() string { return r.err.Error() }
func (r *refusedLogin) Unwrap() error { return r.err }

// explain turns an error into what people read: the error in one line, then
// what can be done about it. What each kind needs is in explain_*.go.
func explain(err error) host.Message {
	var (
		usage       *usageError
		idToken     *refusedIDToken
		refused     *refusedLogin
		missing     *idtoken.Error
		unanswered  *idtoken.Unanswered
		unreachable *endpoint.Unreachable

		unbelievable *endpoint.Unbelievable
		conflict     *conflictError
		interrupted  *Interrupted
		hinted       interface{ Hints() []string }
	)
	message := host.Message{Text: err.Error()}
	switch {
	case errors.As(err, &interrupted):
		message.Text = interrupted.Error()
	case errors.As(err, &hinted):
		message.Hints = hinted.Hints()
		message.Entry, message.Grant = lacking(err)
	case errors.As(err, &conflict):
		return conflictWords(conflict.conflict, nil)
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
		message.Hints = append(loginHints(refused), refused.target.doctorLine())
		message.Grant = refused.grant()
	case errors.As(err, &unreachable):
		message.Hints = networkHints(unreachable)
	case errors.As(err, &unbelievable):
		message.Hints = []string{ownName}
	case helperHints(err) != nil:
		message.Hints = helperHints(err)
	default:
		message.Hints = authFileHints(err)
	}
	return message
}

// lacking is what Quay lacks, where the error is about that.
func lacking(err error) (*host.Entry, *host.Grant) {
	var idToken *refusedIDToken
	var refused *refusedLogin
	switch {
	case errors.As(err, &idToken):
		return exchangeMessage(idToken).Entry, nil
	case errors.As(err, &refused):
		return nil, refused.grant()
	}
	return nil, nil
}

// ownName is for an answer that no registry gives.
const ownName = "is that the registry's own host name, with nothing in front of it that wants a sign-in or speaks another protocol?"

func usageHints(usage *usageError) []string {
	return []string{usage.command + " --help"}
}

// clock is a moment as people compare it with the time that a server tells.
func clock(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}
