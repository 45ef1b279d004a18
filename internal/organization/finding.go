// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/subject"
)

// Finding is something that an administrator should look at.
type Finding struct {
	Code    string `json:"code"`
	Robot   string `json:"robot"`
	Issuer  string `json:"issuer,omitempty"` // of the entry, if it is about one
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
	Why     string `json:"why"`
	Cure    string `json:"cure"`
	// Note: nothing can be done at this Quay, so it does not count for --exit-code.
	Note bool `json:"note,omitempty"`
}

// kinds are all codes, the worst first: who gets in that should not, then what keeps jobs out.
// Codes are stable.
var kinds = []struct{ code, why, cure string }{
	{"any-cluster", "Every cluster may have this issuer. Quay asks the cluster in which Quay itself runs, so service accounts of that cluster can log in, whichever cluster was meant.",
		"give the cluster its own issuer (OpenShift: spec.serviceAccountIssuer of authentication.config/cluster), and use that in the entry"},
	{"foreign-robot", "The administrators of the other namespace decide who can log in as this robot account, and it has all that the team has here.",
		"remove it from the team, and use a robot account of this organization"},
	{"pull-request-write", "All pull requests of a repository have the same subject. Anybody who can push a branch to it can run a job that pushes images.",
		"use another robot account, with read permissions only, for pull requests"},
	{"password-used", "A login by robot token follows its exchange by one hour at most, so this login used the password.",
		replacePassword},
	{"no-federation", "Every robot account has a password that never expires, and this one has no federation entry, so its logins all use the password.",
		replacePassword},
	{"audiences-differ", "Quay up to 3.18 checks the audiences of an issuer's last entry for all entries of that issuer.",
		"give all entries of the issuer the same audiences, or use one robot account for each"},
	{"broken-audiences", "The stored audiences are not a list of texts. Quay then answers every exchange with HTTP 500.",
		"remove the entry and add it again"},
	{"duplicate", "Quay after 3.18 refuses a job that matches two entries, and the API cannot save a list with both.",
		"federation add, federation remove and setup keep the first one when they save"},
	{"wildcard", "Quay compares the whole subject and has no wildcards, so no job matches this entry.",
		"let a job show its subject with quay-keyless whoami, and add an entry for that"},
	{"invisible", "Issuer and subject must equal those of the ID token, byte for byte. Hardly any job has such characters in them.",
		"remove the entry, and add it without these characters"},
	{"http-issuer", "Quay gets an issuer's keys by https only, and answers every exchange with HTTP 500.",
		"use the https address of the issuer"},
	{"issuer-slash", "Issuers must be equal, byte for byte, and this system's ID tokens have no slash at the end of theirs.",
		"remove the entry, and add it without the slash"},
	{"fleeting-subject", "Quay compares the whole subject, so the entry matches no later job.",
		"quay-keyless whoami in such a job says how to get a subject that stays the same"},
	{"no-permission", "It has no permission on any repository, neither its own nor by a team. An exchange works, and every pull and push fails.",
		"quay-keyless setup --robot ORG+NAME --grant REPO=write ..."},
	{"read-only-repository", "Quay grants nobody more than pull on a repository in the state READ_ONLY or MIRROR.",
		"change the state in the repository's settings, or give the robot the permission read"},
	{"github-names", "Repositories that are created, renamed or transferred after 2026-07-15 have numbers in their subject, OWNER@ID/REPO@ID. A name without numbers can pass to another owner.",
		"let the job show its subject with quay-keyless whoami, add an entry for that, then remove this one"},
	{"no-audience", "Quay does not check the audience for this entry. A service that the job asks for an ID token could log in to Quay with it.",
		"quay-keyless federation add --audience quay ...; Quay up to 3.18 stores audiences in its database only, not by its API"},
}

const replacePassword = "add a federation entry (quay-keyless setup), change the jobs, and wait until audit shows no such login; then in Quay: Robot accounts, the robot's menu, View credentials, Regenerate token"

// Codes are those of all findings, the worst first.
func Codes() (codes []string) {
	for _, kind := range kinds {
		codes = append(codes, kind.code)
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
	f.found[code] = append(f.found[code], Finding{Code: code, Robot: f.robot.String(), Text: fmt.Sprintf(format, args...)})
	return &f.found[code][len(f.found[code])-1]
}

// about adds a finding about an entry.
func (f *finder) about(entry quay.Entry, code, format string, args ...any) *Finding {
	finding := f.add(code, format, args...)
	finding.Issuer, finding.Subject = entry.Issuer, entry.Subject
	return finding
}

// Findings are those of all robots, the worst first.
func (s *Survey) Findings() (all []Finding) {
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
			finding.Why, finding.Cure = kind.why, kind.cure
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
	job := subject.Read(entry.Issuer, entry.Subject)
	if strings.HasPrefix(entry.Issuer, "https://kubernetes.default.svc") {
		f.about(entry, "any-cluster", "the issuer %s does not name one cluster", entry.Issuer)
	}
	if job.PullRequest {
		if grant, ok := f.robot.writes(); ok {
			f.about(entry, "pull-request-write", "pull requests get %s", grant.words())
		}
	}
	f.unmatched(entry)
	if job.GitHub != "" && !strings.Contains(job.GitHub, "@") && !strings.HasSuffix(entry.Issuer, "/_services/token") {
		f.about(entry, "github-names", "the subject names %s without numbers", job.GitHub)
	}
	f.audiences(entry)
}

// unmatched finds entries that no job matches.
func (f *finder) unmatched(entry quay.Entry) {
	switch invisible := platform.Invisible(entry.Issuer, entry.Subject); {
	case invisible != "":
		f.about(entry, "invisible", "issuer or subject has characters that cannot be seen: %s", invisible)
	case strings.ContainsAny(entry.Issuer+entry.Subject, "*"):
		f.about(entry, "wildcard", "the subject is %s", entry.Subject)
	case !strings.HasPrefix(entry.Issuer, "https://"):
		f.about(entry, "http-issuer", "the issuer is %s", entry.Issuer)
	case strings.HasSuffix(entry.Issuer, "/") && (subject.IsGitHub(strings.TrimSuffix(entry.Issuer, "/")) || entry.Issuer == "https://gitlab.com/"):
		f.about(entry, "issuer-slash", "the issuer is %s", entry.Issuer)
	default:
		if kind, found := subject.FleetingOf(entry.Issuer, entry.Subject); found {
			f.about(entry, "fleeting-subject", "%s", kind.Text)
		}
	}
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
	case !entry.Restricted():
		f.about(entry, "no-audience", "ID tokens for any audience are accepted").Note = f.survey.dropsAudiences()
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
