// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// apiReasons are answers of Quay's API.
var apiReasons = map[string]reason{
	string(quay.BadAPIToken): {exitRefused, func(f *facts) platform.Message {
		m := f.message(f.host()+" does not accept the API token", newAPIToken(f))
		m.Notes = []string{"The token has expired, was revoked, or is from another Quay. A robot's password is not an API token."}
		return m
	}},
	string(quay.NotAllowed): {exitRefused, func(f *facts) platform.Message {
		m := f.message("the API token may not administer "+f.target.Robot.Namespace, newAPIToken(f))
		m.Notes = []string{fmt.Sprintf("Either its user does not administer %s, or it lacks the scope %s.", f.target.Robot.Namespace, f.scopes())}
		return m
	}},
	string(quay.NoOwner): {exitRefused, func(f *facts) platform.Message {
		what := "robot's name, ORG+NAME"
		if f.target.Robot.Name == "" { // audit, or setup -f
			what = "organization's name"
		}
		return f.message(fmt.Sprintf("%s has no organization or user %s", f.host(), f.target.Robot.Namespace),
			do("Check the spelling of the %s.", what))
	}},
	string(quay.NotOwner): {exitRefused, func(f *facts) platform.Message {
		owner := f.target.Robot.Namespace
		return f.message(fmt.Sprintf("the API token may not administer the person %s", owner),
			do("In Quay, as %s: open the OAuth Applications of an organization, create an application, and choose Generate Token with the scope %s. Then set %s to the token.", owner, federation.ScopeUser, request.APITokenVariable))
	}},
	string(quay.NoAPI): {exitRefused, tooOldWords("%s has no API for federation entries")},
	string(quay.ReadOnly): {exitRefused, func(f *facts) platform.Message {
		return f.message(f.host()+" is read-only at the moment",
			do("Try again later: the administrator has set Quay to read-only (REGISTRY_STATE in its configuration)."))
	}},
	"no-such-entry":    {exitRefused, nil},
	"no-repository":    {exitRefused, nil},
	"stored-otherwise": {exitOther, otherwiseWords},
	"overwritten": {exitOther, func(f *facts) platform.Message {
		m := f.message("other programs overwrote the change of "+f.target.Robot.String(), do("Wait until the other programs that change this robot's federation entries have ended, and run the command again."))
		m.Said, m.More = f.err.Error(), []string{listCommand(f.target)}
		return m
	}},
	"audiences-lost": {exitOther, lostAudiencesWords},
}

// scopes are what the API token needs.
func (f *facts) scopes() string {
	if f.api == nil {
		return federation.ScopeOrganization
	}
	return cmp.Or(f.api.All, f.api.Scopes)
}

// newAPIToken says where to create such a token.
func newAPIToken(f *facts) platform.Step {
	return do("In Quay, as a user who administers %s: open the organization's OAuth Applications, create an application, and choose Generate Token with the scope %s. Then set %s to the token.",
		f.target.Robot.Namespace, f.scopes(), request.APITokenVariable)
}

// otherwiseWords is for a list that Quay stored differently from how it was sent.
func otherwiseWords(f *facts) platform.Message {
	var o *quay.StoredOtherwise
	errors.As(f.err, &o)
	m := f.message("")
	audiences := func(d quay.Difference) bool { return d.Field == "audiences" && d.New == nil }
	if slices.ContainsFunc(o.Differences, audiences) {
		m.Steps = append(m.Steps, do("Leave out --audience: Quay up to 3.18 stores no audiences through its API. The entry is there and accepts every audience."))
	}
	for _, d := range o.Differences {
		if d.Field == "audiences" && d.Old == nil {
			m.Steps = append(m.Steps, paste("This Quay gave an audience to an entry that had none. If the entry's jobs have another one:",
				command(f.target, "federation add", "--issuer", d.Entry.Issuer, "--subject", d.Entry.Subject, "--audience", "AUDIENCE")))
		}
	}
	m.More = []string{listCommand(f.target)}
	return m
}

func lostAudiencesWords(f *facts) platform.Message {
	var lost *federation.LostAudiences
	errors.As(f.err, &lost)
	step := do("To accept that, and with it ID tokens with any audience, add --drop-audiences. These entries lose their audiences:")
	for _, entry := range lost.Entries {
		step.Values = append(step.Values, platform.Value{Name: "entry", Value: fmt.Sprintf("%s, audiences %s", entry, quay.Compact(entry.Fields()["audiences"]))})
	}
	m := f.message(fmt.Sprintf("saving would remove the audiences of federation entries of %s", lost.Target.Robot), step)
	m.Said = "nothing was sent: Quay drops audiences whenever an entry is saved"
	return m
}
