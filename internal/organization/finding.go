// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/subject"
)

// Finding is something that an administrator should look at.
type Finding struct {
	Code    string   `json:"code"`
	Robot   string   `json:"robot"`
	Issuer  string   `json:"issuer,omitempty"` // of the entry, if it is about one
	Subject string   `json:"subject,omitempty"`
	Text    string   `json:"text"`
	Why     string   `json:"why"`
	Cures   []string `json:"cures"`
	// Note: nothing can be done at this Quay, so it does not count for --exit-code.
	Note bool `json:"note,omitempty"`
}

// kinds are codes and why findings of each are true: first who gets in that should not, then
// what keeps jobs out, then what is good to know. Codes are stable. Those about one entry
// alone are federation's.
var kinds = []struct{ code, why, cure string }{
	{"cluster-issuer", "Quay gets the keys of this issuer inside its own cluster, whichever cluster was meant.", ""},
	{"foreign-robot", "The administrators of the other namespace decide who can log in as this robot account, and it has all that the team has here.",
		"remove it from the team, and use a robot account of this organization"},
	{"pull-request", "GitHub gives all pull requests of a repository this subject, and a pull request can change the workflow that it runs.", ""},
	{"any-branch", "Quay compares the whole subject, and this one is the same for every branch.", ""},
	{"shared-subject", "The ID token has the same issuer and subject for all of them.", ""},
	{"password-used", "A login by robot token follows its exchange by one hour at most, so this login used the password.", replacePassword},
	{"no-federation", "Every robot account has a password that never expires, and this one has no federation entry, so all its logins use the password.", replacePassword},
	{"audiences-differ", "Quay up to 3.18 checks the audiences of an issuer's last entry for all entries of that issuer.",
		"give all entries of the issuer the same audiences, or use one robot account for each"},
	{"broken-audiences", "The stored audiences are not a list of texts, and Quay then answers every exchange with HTTP 500.",
		"remove the entry and add it again"},
	{"duplicate", "Quay after 3.18 refuses a job that matches two entries, and the API cannot save a list with both.",
		"federation add, federation remove and setup keep the first one when they save"},
	{"white-space", exactly, ""}, {"invisible", exactly, ""}, {"wildcard", exactly, ""}, {"placeholder", exactly, ""},
	{"http-issuer", "Quay gets the keys of an issuer by https only, and answers every exchange with HTTP 500.", ""},
	{"issuer-url", "Quay gets the keys of an issuer from its URL, and this is none that works.", ""},
	{"issuer-spelling", exactly, ""}, {"other-issuer", exactly, ""}, {"subject-form", exactly, ""},
	{"private-issuer", "Quay gets the issuer's keys from this address at every exchange.", ""},
	{fleeting, "Quay compares the whole subject, so the entry matches no later run, pull request or tag.", ""},
	{"no-permission", "It has no permission on any repository, neither its own nor by a team. An exchange works, and every pull and push fails.",
		"quay-keyless setup --robot ORG+NAME --grant REPO=write ..."},
	{"read-only-repository", "Quay grants nobody more than pull on a repository in the state READ_ONLY or MIRROR.",
		"change the state in the repository's settings, or give the robot the permission read"},
	{"github-names", "Repositories that are created, renamed or transferred after 2026-07-15 have numbers in their subject, OWNER@ID/REPO@ID. A name without numbers can pass to another owner.",
		"let the job show its subject with quay-keyless whoami, add an entry for that, then remove this one"},
	{"any-audience", "Quay does not check the audience for this entry.", ""},
}

const (
	exactly         = "Quay compares issuer and subject with those of the ID token byte for byte, so no job matches this entry."
	replacePassword = "add a federation entry (quay-keyless setup), change the jobs, and wait until audit shows no such login; then in Quay: Robot accounts, the robot, Regenerate Token"
	fleeting        = "" // the kinds of subject.Fleetings
)

// Codes are those of all findings but fleeting subjects, the worst first.
func Codes() (codes []string) {
	for _, kind := range kinds {
		if kind.code != fleeting {
			codes = append(codes, kind.code)
		}
	}
	return codes
}

// finder collects findings, by code.
type finder struct {
	survey *Survey
	robot  Robot
	found  map[string][]Finding
}

func (f *finder) add(code, format string, args ...any) *Finding {
	of := code
	if !slices.Contains(Codes(), code) {
		of = fleeting
	}
	f.found[of] = append(f.found[of], Finding{Code: code, Robot: f.robot.String(), Text: fmt.Sprintf(format, args...)})
	return &f.found[of][len(f.found[of])-1]
}

// about adds a finding about an entry.
func (f *finder) about(entry quay.Entry, code, format string, args ...any) *Finding {
	finding := f.add(code, format, args...)
	finding.Issuer, finding.Subject = entry.Issuer, entry.Subject
	return finding
}

// Findings are those of all robots, the worst first.
func (s *Survey) Findings() []Finding {
	all := []Finding{}
	f := &finder{survey: s, found: map[string][]Finding{}}
	for _, f.robot = range s.Robots {
		if f.robot.Namespace != s.Name {
			f.foreign()
			continue
		}
		f.account()
		for i, entry := range f.robot.Entries {
			f.entry(i, entry)
		}
	}
	for _, kind := range kinds {
		for _, finding := range f.found[kind.code] {
			finding.Why = kind.why
			if kind.cure != "" {
				finding.Cures = []string{kind.cure}
			}
			all = append(all, finding)
		}
	}
	return all
}

func (f *finder) foreign() {
	var teams []string
	for _, grant := range f.robot.Grants {
		teams = append(teams, grant.Team)
	}
	slices.Sort(teams)
	f.add("foreign-robot", "a robot account of %s has permissions here by team %s", f.robot.Namespace, strings.Join(slices.Compact(teams), ", "))
}

// account finds what is wrong with the robot itself.
func (f *finder) account() {
	s, robot := f.survey, f.robot
	known := func(part string) bool {
		return !slices.ContainsFunc(s.Missing, func(m Missing) bool { return m.Part == part })
	}
	if known(partEntries) && len(robot.Entries) == 0 {
		f.add("no-federation", "only its password can log in; last login: %s", day(robot.LastAccessed))
	}
	if login := robot.LastAccessed; known(partLog) && len(robot.Entries) > 0 && login.After(s.LogSince.Add(tokenLife)) && login.After(robot.LastExchange.Add(tokenLife)) {
		exchange := "none since " + day(s.LogSince)
		if !robot.LastExchange.IsZero() {
			exchange = stamp(robot.LastExchange)
		}
		f.add("password-used", "something logged in with its password at %s; last exchange: %s", stamp(login), exchange)
	}
	if known(partRoles) && known(partTeams) && len(robot.Entries) > 0 && len(robot.Grants) == 0 {
		f.add("no-permission", "its jobs can log in, but neither pull nor push")
	}
	for _, grant := range robot.Grants {
		i := slices.IndexFunc(s.Repositories, func(r quay.Repository) bool { return r.Name == grant.Repository })
		if i >= 0 && grant.Role.Includes("write") && s.Repositories[i].State != "NORMAL" {
			f.add("read-only-repository", "it has %s, but the repository is %s", grant.words(), s.Repositories[i].State)
		}
	}
}

// tokenLife is how long after an exchange a login can be by robot token: one hour, and the
// minute in which Quay notes at most one login.
const tokenLife = time.Hour + time.Minute

// entry finds what is wrong with a federation entry.
func (f *finder) entry(i int, entry quay.Entry) {
	if twin := slices.IndexFunc(f.robot.Entries, func(e quay.Entry) bool { return e.Same(entry.Issuer, entry.Subject) }); twin != i {
		f.about(entry, "duplicate", "this entry is stored twice")
		return
	}
	_, writes := f.robot.writes()
	examined := federation.Examined{Issuer: entry.Issuer, Subject: entry.Subject, AnyAudience: !entry.Restricted(), Writes: writes, Registry: f.survey.Host}
	for _, finding := range federation.Findings(examined) {
		found := f.about(entry, finding.Code, "%s", finding.Text)
		found.Cures, found.Note = finding.Cures, finding.Level == federation.Note && f.survey.dropsAudiences()
	}
	if job := subject.Read(entry.Issuer, entry.Subject); job.GitHub != "" && !strings.Contains(job.GitHub, "@") && !strings.HasSuffix(entry.Issuer, "/_services/token") {
		f.about(entry, "github-names", "the subject names %s without numbers", job.GitHub)
	}
	f.audiences(entry)
}

// audiences finds what is wrong with an entry's audiences.
func (f *finder) audiences(entry quay.Entry) {
	differs := func(e quay.Entry) bool {
		return e.Issuer == entry.Issuer && e.ID == "" && e.Restricted() && !slices.Equal(e.Audiences, entry.Audiences)
	}
	switch {
	case entry.Restricted() && len(entry.Audiences) == 0:
		f.about(entry, "broken-audiences", "the stored audiences are %s", quay.Compact(entry.Fields()["audiences"]))
	case slices.ContainsFunc(f.robot.Entries, differs):
		f.about(entry, "audiences-differ", "another entry of this issuer has other audiences")
	}
}

// writes returns a permission to push.
func (r Robot) writes() (Grant, bool) {
	i := slices.IndexFunc(r.Grants, func(g Grant) bool { return g.Repository == "*" || g.Role.Includes("write") })
	if i < 0 {
		return Grant{}, false
	}
	return r.Grants[i], true
}
