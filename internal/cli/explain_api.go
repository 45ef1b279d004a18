// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/quay"
)

// refusedAPI is a question to Quay's API that did not succeed.
type refusedAPI struct {
	target target
	scopes string // what the API token needs for it, as Quay's UI calls it
	all    string // what the whole command needs; "" is the same
	err    error
}

func (r *refusedAPI) Error() string { return r.err.Error() }
func (r *refusedAPI) Unwrap() error { return r.err }

// The scopes of API tokens, as Quay's UI and Quay's API call them.
const (
	scopeOrganization = "Administer Organization (org:admin)"
	scopePermission   = "Administer Repositories (repo:admin)"
	scopeCreate       = "Create Repositories (repo:create)"
)

// managementHints is for what ends federation and setup, nil for all else.
func managementHints(err error) []string {
	var (
		api  *refusedAPI
		lost *lostAudiences
	)
	switch {
	case errors.As(err, &api):
		return apiHints(api)
	case errors.As(err, &lost):
		return lostAudiencesHints(lost)
	}
	return nil
}

// apiHints says what an error of Quay's API needs.
func apiHints(r *refusedAPI) []string {
	var (
		refusal      *quay.Refusal
		otherwise    *quay.StoredOtherwise
		unreachable  *endpoint.Unreachable
		unbelievable *endpoint.Unbelievable
	)
	switch {
	case errors.As(r.err, &refusal):
		if cure, ok := apiCures[refusal.Reason]; ok {
			return cure(r)
		}
		return nil
	case errors.As(r.err, &otherwise):
		return otherwiseHints(r, otherwise)
	case errors.As(r.err, &unreachable):
		return networkHints(unreachable)
	case errors.As(r.err, &unbelievable):
		return []string{ownName}
	}
	return nil
}

// apiCures is one row for each reason that Quay's API can give.
var apiCures = map[quay.Reason]func(*refusedAPI) []string{
	quay.BadAPIToken: func(r *refusedAPI) []string {
		return []string{
			fmt.Sprintf("%s does not know the API token: it has expired, was revoked, or is of another Quay; a robot's password is not one", r.target.registry.Host),
			newAPIToken(r),
		}
	},
	quay.NotAllowed: func(r *refusedAPI) []string {
		return []string{
			fmt.Sprintf("either the user of the API token does not administer %s, or the token lacks the scope %s, or %s has no organization %[1]s",
				r.target.robot.Namespace, r.scopes, r.target.registry.Host),
			newAPIToken(r),
		}
	},
	quay.NoSuchRobot: func(r *refusedAPI) []string {
		return []string{
			fmt.Sprintf("%s has no robot account %s; to create it, with permissions and the federation entry: %s",
				r.target.registry.Host, r.target.robot, r.target.command("setup", "--grant", "REPO=write", "...")),
			fmt.Sprintf("or by hand, in Quay: Robot accounts of %s, Create Robot Account", r.target.robot.Namespace),
		}
	},
	quay.NoAPI: func(r *refusedAPI) []string {
		return []string{fmt.Sprintf("is %s the registry's own host name? If it is, its Quay is older than 3.13, which cannot exchange ID tokens", r.target.registry.Host)}
	},
	quay.ReadOnly: func(*refusedAPI) []string {
		return []string{"the administrator has switched writing off (REGISTRY_STATE in Quay's configuration): try again when it is back"}
	},
	quay.Unrecognized: func(r *refusedAPI) []string {
		return []string{fmt.Sprintf("if these are not Quay's words, something is in front of it: is %s the registry's own host name?", r.target.registry.Host)}
	},
}

// newAPIToken says where such tokens are made.
func newAPIToken(r *refusedAPI) string {
	return fmt.Sprintf("in Quay, as a user who administers %s: an organization's OAuth Applications, an application, Generate Token with the scope %s; then set %s to it",
		r.target.robot.Namespace, cmp.Or(r.all, r.scopes), apiTokenVariable)
}

// otherwiseHints is for a list that was not stored as it was sent.
func otherwiseHints(r *refusedAPI, o *quay.StoredOtherwise) []string {
	var hints []string
	audiences := func(d quay.Difference) bool { return d.Field == "audiences" && d.New == nil }
	if slices.ContainsFunc(o.Differences, audiences) {
		hints = append(hints, "Quay up to 3.18 stores no audiences by its API: leave --audience out; the entry is there, and takes any audience")
	}
	for _, d := range o.Differences {
		if d.Field == "audiences" && d.Old == nil {
			hints = append(hints, "this Quay gave an audience to an entry that had none; if its jobs have another: "+
				r.target.command("federation add", "--issuer", d.Entry.Issuer, "--subject", d.Entry.Subject, "--audience", "AUDIENCE"))
		}
	}
	if slices.ContainsFunc(o.Differences, func(d quay.Difference) bool { return d.Removed || d.Added }) {
		hints = append(hints, "somebody saved another list at the same moment: run this again")
	}
	return append(hints, "what is there now: "+r.target.listCommand())
}

// lostAudiences is a save that would switch off the check of audiences.
type lostAudiences struct {
	target  target
	entries []quay.Entry
}

func (l *lostAudiences) Error() string {
	return fmt.Sprintf("nothing was sent: at any save, by API or UI, this Quay would drop the audiences of the federation entries of %s", l.target.robot)
}

func lostAudiencesHints(l *lostAudiences) []string {
	hints := []string{"to accept that, and with it ID tokens with any audience: --drop-audiences; these entries lose theirs:"}
	for _, entry := range l.entries {
		hints = append(hints, fmt.Sprintf("%s, audiences %s", entry, compact(entry.Fields()["audiences"])))
	}
	return hints
}
