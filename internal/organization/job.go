// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
	"quay-keyless/internal/subject"
)

// job is what the printed lines for a job contain.
type job struct {
	from                      string // the program's repository
	registry, robot, audience string
	checks                    []string // ORG/REPO:pull|push
	repository                string   // the first one to push to, else to pull from, or a stand-in
	pulls                     bool     // there is none to push to
	environment               string   // the GitHub environment of the subject
	namespace, account        string   // of the service account of the subject
	ca, insecure              bool
}

// jobOf collects it from the setup.
func (s *Setup) jobOf(robot Wanted, entry quay.Entry, audience string) job {
	j := job{registry: s.Target.Registry.String(), robot: robot.String(), from: cmp.Or(s.Run.Env.Repository, "OWNER/quay-keyless"),
		ca: s.Flags.CaCertificate != "", insecure: !s.Flags.TLSVerify}
	if audience != request.DefaultAudience {
		j.audience = audience
	}
	for _, grant := range robot.Grants {
		action := "push"
		if grant.Role == "read" {
			action = "pull"
		}
		if j.repository == "" || j.pulls && action == "push" {
			j.repository, j.pulls = grant.Repository, action == "pull"
		}
		j.checks = append(j.checks, grant.Repository+":"+action)
	}
	if j.repository == "" {
		j.repository = robot.Namespace + "/REPOSITORY"
	}
	if _, name, found := strings.Cut(entry.Subject, ":environment:"); found {
		j.environment = strings.ReplaceAll(name, "%3A", ":")
	}
	if parts := strings.Split(entry.Subject, ":"); len(parts) == 4 {
		j.namespace, j.account = parts[2], parts[3]
	}
	return j
}

// PrintJobs ends a setup with the lines for a job: those of the only robot's first entry,
// else for each robot one for each platform of the entries that are new.
func (s *Setup) PrintJobs() error {
	for _, robot := range s.File.Robots {
		stored, _ := s.stored(robot.Robot)
		seen := map[string]bool{}
		for _, entry := range robot.Entries {
			_, there := stored.Entries.Find(entry.Issuer, entry.Subject)
			system, _, _ := strings.Cut(subject.Describe(entry.Issuer, entry.Subject), " ")
			if seen[system] || there && s.Entry == nil {
				continue
			}
			seen[system] = true
			if s.Entry == nil {
				s.Run.Platform.Notice(fmt.Sprintf("%s, %s:", robot, subject.Describe(entry.Issuer, entry.Subject)))
			}
			if err := s.PrintJob(robot, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// PrintJob prints the lines for a job, in the form of the platform that the federation
// entry is for.
func (s *Setup) PrintJob(robot Wanted, entry quay.Entry) error {
	audience := request.DefaultAudience
	if s.Entry != nil {
		audience = s.Entry.Audience()
	} else if len(entry.Audiences) > 0 && !slices.Contains(entry.Audiences, request.DefaultAudience) {
		audience = entry.Audiences[0]
	}
	j, run := s.jobOf(robot, entry, audience), s.Run
	var text string
	switch {
	case strings.HasPrefix(entry.Subject, "repo:"):
		run.Platform.Notice("for the workflow (GitHub Actions):")
		text = j.github()
	case strings.HasPrefix(entry.Subject, "project_path:"), strings.HasPrefix(entry.Subject, "project_id:"):
		run.Platform.Notice("for .gitlab-ci.yml:")
		text = j.gitlab()
	case strings.HasPrefix(entry.Subject, "system:serviceaccount:"):
		run.Platform.Notice(fmt.Sprintf("for a Task whose TaskRun has the service account %s, in the namespace %s (Tekton):", j.account, j.namespace))
		text = j.tekton()
	default:
		run.Platform.Notice("in the job:")
		text = run.Secrets.Whole(j.shell()) + "\n"
	}
	_, err := run.Env.Stdout.Write([]byte(run.Secrets.Redact(text)))
	return err
}
