// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
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
	fromSource  bool              // an ID token was requested
	given       *platform.Message // by an error that knows it
}

// said are the words of the other side, for line 2.
func (f *facts) said() string {
	switch r := f.refusal; {
	case r == nil && f.unreachable != nil && f.unreachable.Attempts > 1:
		return fmt.Sprintf("%v (tried %d times)", f.unreachable.Err, f.unreachable.Attempts)
	case r == nil && f.unreachable != nil:
		return f.unreachable.Err.Error()
	case r == nil:
		answer, _ := errors.AsType[*endpoint.Unbelievable](f.err)
		return cmp.Or(answer, new(endpoint.Unbelievable)).Why
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

// endpoint is what was not reached, or answered wrongly.
func (f *facts) endpoint() string {
	if answer, ok := errors.AsType[*endpoint.Unbelievable](f.err); ok {
		return answer.Name
	}
	if f.unreachable == nil {
		return ""
	}
	return f.unreachable.Name
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

// stateNotes are what Quay told about itself that may explain a 5xx.
func (f *facts) stateNotes() []string {
	var notes []string
	if f.state.ReadOnly {
		notes = append(notes, "Quay says that it is read-only (REGISTRY_STATE in its configuration).")
	}
	if f.state.RobotsDisabled {
		notes = append(notes, "Quay says that robot accounts are disabled (ROBOTS_DISALLOW in its configuration).")
	}
	return notes
}

// known are the facts by their names in reasons.txt.
func (f *facts) known() *strings.Replacer {
	t, c := f.target, f.claims
	refusal := cmp.Or(f.refusal, new(quay.Refusal))
	api := cmp.Or(f.api, &federation.RefusedAPI{Scopes: federation.ScopeOrganization})
	noToken := cmp.Or(f.noToken, new(idtoken.Error))
	role, action := "write", "push to"
	if f.permission.Action == "pull" {
		role, action = "read", "pull from"
	}
	robot := apiAddress(t, robotPath(t.Robot, refusal.Owner))
	list := []string{
		"{host}", f.host(), "{robot}", t.Robot.String(), "{namespace}", t.Robot.Namespace, "{endpoint}", f.endpoint(), "{error}", f.err.Error(),
		"{registry}", cmp.Or(t.Registry.Key(), refusal.Host), "{refused-by}", refusal.Host, "{services}", strings.Join(f.state.Failing, ", "),
		"{issuer}", c.Issuer, "{subject}", c.Subject, "{issuer?}", platform.OrNone(c.Issuer), "{subject?}", platform.OrNone(c.Subject),
		"{audience?}", platform.OrNone(strings.Join(c.Audience, ", ")), "{algorithm?}", platform.OrNone(c.Algorithm), "{kid?}", platform.OrNone(c.KeyID),
		"{issued}", platform.FormatTime(c.IssuedAt), "{expired}", platform.FormatTime(c.Expiry),
		"{repository}", f.permission.Repository, "{action}", action, "{role}", role, "{Role}", strings.ToUpper(role[:1]) + role[1:],
		"{state}", cmp.Or(map[string]string{"MIRROR": "a mirror", "READ_ONLY": "read-only"}[refusal.State], "in the state "+refusal.State),
		"{scopes}", cmp.Or(api.All, api.Scopes), "{user-scope}", federation.ScopeUser,
		"{platform}", noToken.Platform.Name, "{platform-note}", noToken.Platform.Know, "{source-flag}", sourceFlag(noToken.Platform),
		"{add}", AddCommand(t, c), "{list}", command(t, "federation list"), "{create}", f.createCommand(), "{grant}", setupCommand(t, f.permission.Repository+"="+role, c),
		"{fetch}", "curl -sS " + platform.Operand(idtoken.DiscoveryURL(c.Issuer)), "{health}", "curl -sS " + platform.Operand(webAddress(t, "/health/instance")),
		"{robot-address}", robot, "{permission-address}", apiAddress(t, "/repository/"+f.permission.Repository+"/permissions/user/"+t.Robot.String()),
		"{entry}", entryJSON(c),
	}
	if f.code == "fork-merge-request" {
		fork, project, _ := idtoken.ForkMergeRequest(f.run.Env.Getenv)
		list = append(list, "{fork}", fork, "{project}", project)
	}
	return strings.NewReplacer(list...)
}
