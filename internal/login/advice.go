// SPDX-License-Identifier: Apache-2.0

package login

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// advise says what the next steps need to use the login, and names each login.
func (l *login) advise() {
	hint := func(needed bool, text string) {
		if needed {
			l.Platform.Notice("hint: " + text)
		}
	}
	named, exports, can := l.Env.Getenv("REGISTRY_AUTH_FILE") != "", len(l.result.Exports) > 0, l.Platform.Can()
	plain := !l.flags.TLSVerify || slices.ContainsFunc(l.targets, func(t request.Target) bool { return t.Registry.PlainHTTP })
	hint(plain, "podman, buildah and skopeo also need --tls-verify=false")
	hint(!plain && l.flags.CaCertificate != "" && !l.flags.installCA,
		"podman, buildah and skopeo also need your CA: add --install-ca, or save it as DIR/ca.crt and pass them --cert-dir DIR")
	if exports && !l.flags.isolated {
		hint(true, "the steps that follow need REGISTRY_AUTH_FILE="+platform.Shell(l.result.Exports[0].Value)+": podman's own auth.json cannot be created in a runtime folder of this user")
	}
	if l.flags.authFile != "" && !named {
		path := platform.Shell(l.result.AuthFiles[0])
		hint(true, "podman, buildah and skopeo find this login with --authfile "+path+" or REGISTRY_AUTH_FILE="+path)
	}
	hint((exports || l.result.Path != "") && !can.HandOn, `standard output has lines for the shell: eval "$(quay-keyless login ...)"`)
	hint(can.Sudo && !l.flags.Helper.use && (named || exports), "sudo drops the variable: sudo --preserve-env=REGISTRY_AUTH_FILE podman ...")
	for _, token := range l.tokens {
		l.sayLogin(token)
	}
}

// sayLogin names a login and when it expires.
func (l *login) sayLogin(token RobotToken) {
	loggedIn := fmt.Sprintf("logged in to %s as %s", token.Registry.Key(), token.Robot)
	if l.flags.Helper.use {
		l.Platform.Notice(loggedIn + ": tools get a new robot token each time they ask")
		return
	}
	l.Platform.Notice(fmt.Sprintf("%s until %s (%s)", loggedIn, token.ExpiresAt.UTC().Format("15:04 MST"), platform.Minutes(token.Left)))
	warnOfEnd(l.Run, token)
}

// shortLife is for logins that may expire before the next step ends.
const shortLife = 10 * time.Minute

// warnOfEnd warns if the job may run longer than its login.
func warnOfEnd(run *process.Run, token RobotToken) {
	end, known := platform.JobEnd(run.Env.Getenv)
	text := fmt.Sprintf("the login to %s expires in %s", token.Registry.Key(), platform.Minutes(token.Left))
	if token.Left >= shortLife {
		if !known || !token.ExpiresAt.Before(end) {
			return
		}
		text = fmt.Sprintf("the login to %s expires at %s, and this job may run until %s", token.Registry.Key(), platform.FormatTime(token.ExpiresAt), platform.FormatTime(end))
	}
	run.Platform.Warn(platform.Message{
		Text:  text,
		Steps: []platform.Step{{Text: "For longer jobs, add --credential-helper: tools then get a new robot token each time they ask."}},
	})
}

// warnOfNamespaces says what tools that ignore keys HOST/ORG do.
func warnOfNamespaces(run *process.Run, targets []request.Target, plan lookup.Plan) {
	kept := slices.ContainsFunc(plan.Conflicts, func(c lookup.Conflict) bool { return c.Kind == lookup.OtherLogin })
	switch {
	case len(request.Namespaced(targets)) > 0:
		run.Platform.Warn(platform.Message{Text: "docker, crane, helm and buildx know one login for each registry, and may use the wrong one of these, or with --isolated none; podman, buildah and skopeo use the right one"})
	case targets[0].Registry.Namespace != "" && !kept:
		run.Platform.Warn(platform.Message{Text: fmt.Sprintf("docker, crane, helm and buildx use the login for %s for all of %s", targets[0].Registry.Key(), targets[0].Registry.Host)})
	}
}

// warnOfHidden says which logins the credential helper hides.
func warnOfHidden(run *process.Run, plan lookup.Plan) {
	for _, t := range plan.Files {
		if len(t.Besides) > 0 {
			run.Platform.Warn(platform.Message{
				Text:  fmt.Sprintf("podman, buildah and skopeo cannot find the logins for %s in %s until logout: they ask the credential helper for the whole registry", platform.Enumerated(t.Besides), t.File.Path()),
				Steps: []platform.Step{{Text: "Log in to these with quay-keyless too, or leave out --credential-helper."}},
			})
		}
	}
}

// warn shows an error that does not end the command.
func warn(run *process.Run, err error) {
	m := platform.MessageOf(err)
	m.Reason = ""
	run.Platform.Warn(m)
}

// warnOfCheckout warns of a login inside the files that the job builds from.
func warnOfCheckout(run *process.Run, plan lookup.Plan) {
	for _, target := range plan.Files {
		if WarnInCheckout(run, target.File.Path(), "--isolated without --auth-dir, or --authfile PATH; or set DOCKER_CONFIG and REGISTRY_AUTH_FILE to other folders") {
			return
		}
	}
}

// WarnInCheckout warns of a file with a login inside a checkout, and reports whether it did.
func WarnInCheckout(run *process.Run, path, places string) bool {
	folder := checkout(run, path)
	if folder == "" {
		return false
	}
	run.Platform.Warn(platform.Message{
		Text:  fmt.Sprintf("%s is inside the checkout %s: git add and image builds can include the login, and git clean deletes it", path, folder),
		Steps: []platform.Step{{Text: "Choose a place outside of it: " + places}},
	})
	return true
}

// checkout is the job's checkout or git work tree around a file, "" for none.
func checkout(run *process.Run, path string) string {
	for _, name := range []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR"} {
		folder, err := filepath.EvalSymlinks(run.Env.Getenv(name))
		if err == nil && strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+string(filepath.Separator)) {
			return folder
		}
	}
	for folder := filepath.Dir(path); folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Lstat(filepath.Join(folder, ".git")); err == nil {
			return folder
		}
	}
	return ""
}
