// SPDX-License-Identifier: Apache-2.0

// Package explain turns errors into messages: what happened, what to do, and commands to
// paste. An error is classified once, by a stable code; the table of codes has the exit
// code, the first line and the cures of each.
package explain

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// The exit codes, part of the program's interface.
const (
	exitOther       = 1 // an unexpected answer, the auth file, anything else
	exitUsage       = 2
	exitNoIDToken   = 3
	exitRefused     = 4
	exitUnreachable = 5
)

// facts are what is known about an error.
type facts struct {
	run  *process.Run
	err  error
	code string

	target      request.Target // zero if the error is about no robot
	claims      idtoken.Claims
	source      idtoken.Source
	permission  quay.Permission
	refusal     *quay.Refusal
	unreachable *endpoint.Unreachable
	state       quay.State // that Quay told after a 5xx
	verified    bool       // the issuer's key fits the ID token, from here
	api         *federation.RefusedAPI
	noToken     *idtoken.Error
	given       *platform.Message // by an error that knows it
}

// Message turns an error into what people read.
func Message(run *process.Run, err error) platform.Message {
	f := classify(run, err)
	row, known := reasons[f.code]
	if !known {
		row = reasons[otherError]
	}
	m := platform.Message{}
	switch {
	case f.given != nil:
		m = *f.given
	case row.words != nil:
		m = row.words(f)
	}
	var interrupted *process.Interrupted
	switch {
	case m.Exit != 0: // of a message that was made before
	case errors.As(err, &interrupted):
		m.Exit = process.ExitSignal + int(interrupted.Signal)
	default:
		m.Exit = row.exit
	}
	if m.Text == "" {
		m.Text = err.Error()
	}
	m.Reason = cmp.Or(m.Reason, f.code)
	shorten(&m)
	m.Verbose = run.Verbose
	m.Page = page(run, m.Reason)
	return m
}

// widest is how long the first line of an error may be, in columns.
const widest = 100

// joint is where a long line can be cut.
var joint = platform.Pattern(`: |; |, (?:so|and|which|by|at|too|not) `)

// shorten moves the end of a long first line to the second.
func shorten(m *platform.Message) {
	room := widest - len("error:  []") - len(m.Reason)
	if len(m.Text) <= room {
		return
	}
	for _, at := range slices.Backward(joint().FindAllStringIndex(m.Text[:room], -1)) {
		if at[0] < 20 || strings.Count(m.Text[:at[0]], `"`)%2 == 1 { // the name of a link, or what others said
			continue
		}
		rest := m.Text[at[0]+2:]
		if m.Said != "" {
			rest += ": " + m.Said
		}
		m.Text, m.Said = m.Text[:at[0]], rest
		return
	}
}

// page is the address of what the docs say about a reason; "" unless this is a release.
func page(run *process.Run, code string) string {
	if run.Env.Repository == "" || run.Env.Version == "" {
		return ""
	}
	return fmt.Sprintf("https://github.com/%s/blob/%s/docs/troubleshooting.md#%s", run.Env.Repository, run.Env.Version, code)
}

// classify reads what an error is, once.
func classify(run *process.Run, err error) *facts {
	f := &facts{run: run, err: err, code: otherError}
	var (
		interrupted *process.Interrupted
		explained   platform.Explained
		usage       *request.UsageError
		lost        *federation.LostAudiences
		refused     *login.RefusedIDToken
		rejected    *login.RefusedLogin
	)
	if errors.As(err, &explained) {
		m := platform.MessageOf(err)
		f.given = &m
	}
	switch {
	case errors.As(err, &interrupted):
		f.code = "interrupted"
	case f.given != nil && f.given.Reason != "":
		f.code = f.given.Reason
	case errors.As(err, &usage):
		f.code = "usage"
	case errors.As(err, &f.api):
		f.target = f.api.Target
		f.code = f.answered()
	case errors.As(err, &lost):
		f.code = "audiences-lost"
	case errors.As(err, &f.noToken):
		f.code = string(f.noToken.Problem)
	case errors.As(err, new(*idtoken.Unanswered)):
		f.code = f.answered()
	case errors.As(err, &refused):
		f.target, f.source, f.claims, f.verified = refused.Target, refused.Source, refused.Claims, refused.Verified
		f.code = f.exchanged()
	case errors.As(err, &rejected):
		f.target, f.claims, f.permission = rejected.Target, rejected.Claims, rejected.Permission
		f.code = f.proved()
	default:
		f.code = f.answered()
	}
	return f
}

// answered is the reason of an endpoint's answer, or of none.
func (f *facts) answered() string {
	var otherwise *quay.StoredOtherwise
	var failure *quay.Failure
	if errors.As(f.err, &failure) {
		f.state = failure.State
	}
	switch {
	case len(f.state.Failing) > 0 && errors.As(f.err, &f.unreachable):
		return "quay-failing"
	case errors.As(f.err, &f.refusal):
		return cmp.Or(string(f.refusal.Reason), string(quay.Unrecognized))
	case errors.As(f.err, &otherwise):
		return "stored-otherwise"
	case errors.As(f.err, new(*quay.Overwritten)):
		return "overwritten"
	case errors.As(f.err, &f.unreachable):
		return unreached(f.unreachable)
	case errors.As(f.err, new(*endpoint.Unbelievable)):
		return "wrong-answer"
	}
	return otherError
}

// exchanged is the reason of an exchange that failed.
func (f *facts) exchanged() string {
	code := f.answered()
	switch {
	case code == string(quay.WrongSubject):
		if _, _, ok := idtoken.ForkMergeRequest(f.run.Env.Getenv); ok {
			return "fork-merge-request"
		}
	case f.unreachable == nil, code == "quay-failing":
	case f.unreachable.Answer() == nil && endpoint.TimedOut(f.unreachable.Err): // the ping was answered, so it is Quay that waits
		return "issuer-slow"
	case f.unreachable.Answer() == nil && endedByFront(f.unreachable.Err):
		return "header-too-long"
	case f.unreachable.Answer() != nil:
		return cmp.Or(map[int]string{
			http.StatusGatewayTimeout:      "issuer-slow",
			http.StatusBadGateway:          "issuer-not-reached",
			http.StatusServiceUnavailable:  "issuer-not-reached",
			http.StatusInternalServerError: "quay-error",
		}[f.unreachable.Answer().Status], code)
	}
	return code
}

// proved is the reason of a robot token that the registry rejects.
func (f *facts) proved() string {
	code := f.answered()
	switch {
	case code == "quay-failing":
	case code == string(quay.NotGranted) && f.refusal.State != "" && f.refusal.State != "NORMAL":
		return "read-only-repository"
	case errors.Is(f.err, quay.ErrNoProof):
		return "no-proof"
	case code == string(quay.NoSuchRobot):
		return "robot-deleted"
	case f.refusal != nil && code == string(quay.Unrecognized) && f.refusal.Status == http.StatusUnauthorized:
		return "header-changed"
	case f.refusal != nil && code == string(quay.Unrecognized):
		return "robot-token-refused"
	case f.unreachable != nil && f.unreachable.Answer() != nil && f.unreachable.Answer().Status == http.StatusInternalServerError:
		return "registry-error"
	}
	return code
}

// said are the words of the other side, for line 2.
func (f *facts) said() string {
	switch r := f.refusal; {
	case r == nil && f.unreachable != nil && f.unreachable.Attempts > 1:
		return fmt.Sprintf("%v (tried %d times)", f.unreachable.Err, f.unreachable.Attempts)
	case r == nil && f.unreachable != nil:
		return f.unreachable.Err.Error()
	case r == nil:
		return ""
	case r.Reason == quay.NotGranted: // these are our words
		return r.Message
	case r.Location != "":
		return fmt.Sprintf("%s redirects to %q (HTTP %d)", r.Host, r.Location, r.Status)
	case r.Message == "":
		return fmt.Sprintf("%s answered HTTP %d %s", r.Host, r.Status, http.StatusText(r.Status))
	default:
		return fmt.Sprintf("%s said: %q (HTTP %d)", r.Host, r.Message, r.Status)
	}
}

// owner is what the robot's namespace is, if that was asked.
func (f *facts) owner() quay.Owner {
	if f.refusal == nil {
		return quay.UnknownOwner
	}
	return f.refusal.Owner
}

// host is the registry's host name.
func (f *facts) host() string {
	switch {
	case f.target.Registry.Host != "":
		return f.target.Registry.Host
	case f.refusal != nil:
		return f.refusal.Host
	}
	return "the registry"
}

// message is a first line and what to do.
func (f *facts) message(text string, steps ...platform.Step) platform.Message {
	m := platform.Message{Text: text, Said: f.said(), Steps: steps}
	if f.target.Robot != (quay.Robot{}) && f.api == nil {
		m.More = []string{DoctorCommand(f.target)}
	}
	return m
}

// do is a step without anything to copy.
func do(format string, args ...any) platform.Step {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return platform.Step{Text: format}
}

// paste is a step with a command to paste.
func paste(text, command string) platform.Step { return platform.Step{Text: text, Command: command} }

// withoutCause splits an error from its cause, if its text ends with that.
func withoutCause(err, cause error) (text, said string) {
	if text, ok := strings.CutSuffix(err.Error(), ": "+cause.Error()); ok {
		return text, cause.Error()
	}
	return err.Error(), ""
}
