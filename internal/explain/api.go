// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// apiHints is for errors of Quay's API.
func apiHints(r *federation.RefusedAPI) []string {
	var (
		refusal      *quay.Refusal
		otherwise    *quay.StoredOtherwise
		overwritten  *quay.Overwritten
		unreachable  *endpoint.Unreachable
		unbelievable *endpoint.Unbelievable
	)
	switch {
	case errors.As(r.Err, &refusal):
		if cure, ok := apiCures[refusal.Reason]; ok {
			return cure(r)
		}
		return nil
	case errors.As(r.Err, &otherwise):
		return otherwiseHints(r, otherwise)
	case errors.As(r.Err, &overwritten):
		return []string{"wait until the other programs that change this robot's federation entries have ended, and run this again: one at a time", "what is there now: " + listCommand(r.Target)}
	case errors.As(r.Err, &unreachable):
		return NetworkHints(unreachable)
	case errors.As(r.Err, &unbelievable):
		return []string{ownName}
	}
	return nil
}

// apiCures has a row for each reason that Quay's API can give.
var apiCures = map[quay.Reason]func(*federation.RefusedAPI) []string{
	quay.BadAPIToken: func(r *federation.RefusedAPI) []string {
		return []string{
			fmt.Sprintf("%s does not know the API token: it has expired, was revoked, or is of another Quay; a robot's password is not one", r.Target.Registry.Host),
			newAPIToken(r),
		}
	},
	quay.NotAllowed: func(r *federation.RefusedAPI) []string {
		return []string{
			fmt.Sprintf("either the user of the API token does not administer %s, or the token lacks the scope %s", r.Target.Robot.Namespace, r.Scopes),
			newAPIToken(r),
		}
	},
	quay.NoOwner: func(r *federation.RefusedAPI) []string { return []string{noOwner(r.Target)} },
	quay.NotOwner: func(r *federation.RefusedAPI) []string {
		return []string{
			fmt.Sprintf("%s is a person: only an API token of %[1]s with the scope %s can do this", r.Target.Robot.Namespace, federation.ScopeUser),
			fmt.Sprintf("in Quay, as %s: OAuth Applications of an organization, an application, Generate Token with the scope %s; then set %s to it",
				r.Target.Robot.Namespace, federation.ScopeUser, request.APITokenVariable),
		}
	},
	quay.RobotsDisabled: func(r *federation.RefusedAPI) []string { return []string{robotsDisabled(r.Target)} },
	quay.NoSuchRobot: func(r *federation.RefusedAPI) []string {
		return []string{
			fmt.Sprintf("%s has no robot account %s; to create it, with permissions and the federation entry: %s",
				r.Target.Registry.Host, r.Target.Robot, command(r.Target, "setup", "--grant", "REPO=write", "...")),
			fmt.Sprintf("or by hand, in Quay: Robot accounts of %s, Create Robot Account", r.Target.Robot.Namespace),
		}
	},
	quay.NoAPI: func(r *federation.RefusedAPI) []string {
		return []string{fmt.Sprintf("is %s the registry's own host name? If it is, its Quay is older than 3.13, which cannot exchange ID tokens", r.Target.Registry.Host)}
	},
	quay.ReadOnly: func(*federation.RefusedAPI) []string {
		return []string{"the administrator has switched writing off (REGISTRY_STATE in Quay's configuration): try again when it is back"}
	},
	quay.Unrecognized: func(r *federation.RefusedAPI) []string {
		return []string{fmt.Sprintf("if these are not Quay's words, something is in front of it: is %s the registry's own host name?", r.Target.Registry.Host)}
	},
}

// noOwner is for a robot of nobody.
func noOwner(t request.Target) string {
	return fmt.Sprintf("%s has no organization or user %s: check the spelling of the robot's name, ORG+NAME", t.Registry.Host, t.Robot.Namespace)
}

// newAPIToken says where to create such a token.
func newAPIToken(r *federation.RefusedAPI) string {
	return fmt.Sprintf("in Quay, as a user who administers %s: an organization's OAuth Applications, an application, Generate Token with the scope %s; then set %s to it",
		r.Target.Robot.Namespace, cmp.Or(r.All, r.Scopes), request.APITokenVariable)
}

// otherwiseHints is for a list that Quay stored differently from how it was sent.
func otherwiseHints(r *federation.RefusedAPI, o *quay.StoredOtherwise) []string {
	var hints []string
	audiences := func(d quay.Difference) bool { return d.Field == "audiences" && d.New == nil }
	if slices.ContainsFunc(o.Differences, audiences) {
		hints = append(hints, "Quay up to 3.18 stores no audiences by its API: leave --audience out; the entry is there, and takes any audience")
	}
	for _, d := range o.Differences {
		if d.Field == "audiences" && d.Old == nil {
			hints = append(hints, "this Quay gave an audience to an entry that had none; if its jobs have another: "+
				command(r.Target, "federation add", "--issuer", d.Entry.Issuer, "--subject", d.Entry.Subject, "--audience", "AUDIENCE"))
		}
	}
	return append(hints, "what is there now: "+listCommand(r.Target))
}

func lostAudiencesHints(l *federation.LostAudiences) []string {
	hints := []string{"to accept that, and with it ID tokens with any audience: --drop-audiences; these entries lose theirs:"}
	for _, entry := range l.Entries {
		hints = append(hints, fmt.Sprintf("%s, audiences %s", entry, quay.Compact(entry.Fields()["audiences"])))
	}
	return hints
}
