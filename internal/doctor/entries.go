// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/explain"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
	"quay-keyless/internal/subject"
)

// noEntry is the error if the robot's stored entries do not match this job.
func noEntry(why string) error {
	return &platform.Curable{Text: "no stored federation entry lets this job in: " + why, Reason: "no-matching-entry"}
}

// api is Quay's API; nil if there is no token for it.
func (c *chain) api(ctx context.Context) (*quay.API, error) {
	token, err := federation.APIToken(ctx, c.run, "")
	if err != nil || token.Empty() {
		return nil, err
	}
	return quay.NewAPI(c.visit.Quay, token), nil
}

// entries compares what Quay has stored for the robot with this job.
func (c *chain) entries(ctx context.Context) (string, error) {
	api, err := c.api(ctx)
	if err == nil && api == nil {
		return "", &skipped{request.APITokenVariable + " has no token for Quay's API"}
	}
	var stored quay.Entries
	if err == nil {
		federation.WarnOfAPI(c.run, c.flags.TLSVerify, c.target.Registry)
		stored, err = api.Account(c.target.Robot).Federation(ctx)
	}
	if err != nil { // no login hangs on it
		c.run.Platform.Warn(explain.Message(c.run, &federation.RefusedAPI{Target: c.target, Scopes: federation.ScopeOrganization, Err: err}))
		return "could not be read", nil
	}
	return c.compare(stored)
}

// compare finds the entry that lets this job in, or the one nearest to it.
func (c *chain) compare(stored quay.Entries) (string, error) {
	claims := c.visit.Claims
	entry, found := stored.Find(claims.Issuer, claims.Subject)
	switch {
	case found:
		c.warnOfDuplicates(stored.Count(claims.Issuer, claims.Subject))
		c.warnOfAudience(stored, entry, claims)
		return fmt.Sprintf("one of %d has this issuer and subject%s", len(stored), alsoAudiences(entry)), nil
	case len(stored) == 0:
		return "", noEntry("there is none")
	}
	near, _ := federation.Nearest(stored, claims.Issuer, claims.Subject)
	c.details = append(c.details, subject.Beside("issuer", near.Issuer, claims.Issuer)...)
	c.details = append(c.details, subject.Beside("subject", near.Subject, claims.Subject)...)
	return "", noEntry(fmt.Sprintf("the nearest of %d differs in %s", len(stored), differences(near, claims)))
}

// warnOfDuplicates warns of equal entries, which Quay's API does not make.
func (c *chain) warnOfDuplicates(count int) {
	if count == 1 {
		return
	}
	c.run.Platform.Warn(platform.Message{
		Text:  fmt.Sprintf("%d entries have this issuer and subject: a Quay after 3.18 refuses this job for that (Ambiguous federation binding)", count),
		Hints: []string{"this saves the list with one of them: " + explain.AddCommand(c.target, c.visit.Claims)},
	})
}

// warnOfAudience compares the audiences. Quay up to 3.18 applies the last non-empty
// audience list of an issuer to all its entries. Later Quays (whose entries have an id)
// check each entry's own list.
func (c *chain) warnOfAudience(stored quay.Entries, found quay.Entry, claims idtoken.Claims) {
	asked := found.Audiences
	for _, entry := range stored {
		if found.ID == "" && entry.Issuer == claims.Issuer && len(entry.Audiences) > 0 {
			asked = entry.Audiences
		}
	}
	matches := func(audience string) bool { return slices.Contains(asked, audience) }
	if len(asked) > 0 && !slices.ContainsFunc(claims.Audience, matches) {
		c.run.Platform.Warn(platform.Message{
			Text:  fmt.Sprintf("the entries of this issuer ask for the audience %s, this job shows %s", strings.Join(asked, " or "), platform.OrNone(strings.Join(claims.Audience, ", "))),
			Steps: []platform.Step{explain.AskFor(c.visit.IDToken.Source, "that audience", asked[0])},
		})
	}
}

func alsoAudiences(entry quay.Entry) string {
	if len(entry.Audiences) == 0 {
		return ""
	}
	return ", and asks for the audience " + strings.Join(entry.Audiences, " or ")
}

// differences names what differs between an entry and this job.
func differences(near quay.Entry, claims idtoken.Claims) string {
	var list []string
	if words := subject.Difference(near.Issuer, claims.Issuer); words != "" {
		list = append(list, "the issuer ("+words+")")
	}
	if words := subject.Difference(near.Subject, claims.Subject); words != "" {
		list = append(list, "the subject ("+words+")")
	}
	return strings.Join(list, " and ")
}
