// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/host"
)

// placeFlags say where a login is to be written.
type placeFlags struct {
	authFile string
	mode     string
	isolated bool
	folder   string
}

// defaultMode is that of a new file with a login.
const defaultMode = "0600"

// modes are those that make sense for a login: for its owner alone, for the
// group too, for every user of the container.
var modes = map[string]os.FileMode{defaultMode: 0o600, "0640": 0o640, "0644": 0o644}

// addTo declares the flags.
func (f *placeFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.authFile, "authfile", "", "write the login to the auth file at `PATH` and to no other")
	flags.StringVar(&f.mode, "authfile-mode", defaultMode, "`MODE` of the file of --authfile: 0600, 0640 or 0644, for steps that run as another user")
	flags.BoolVar(&f.isolated, "isolated", false, "write the login to a private folder, and have the following steps look there")
	flags.StringVar(&f.folder, "auth-dir", "", "the private folder `DIR` of --isolated (a new temporary one)")
}

// check finds what does not go together.
func (f *placeFlags) check() error {
	switch {
	case f.authFile != "" && (f.isolated || f.folder != ""):
		return fmt.Errorf("--authfile names one file, --isolated a folder of its own: choose one")
	case f.folder != "" && !f.isolated:
		return fmt.Errorf("--auth-dir is for --isolated")
	case modes[f.mode] == 0:
		return fmt.Errorf("--authfile-mode %q: it is 0600, 0640 or 0644", f.mode)
	case f.mode != defaultMode && f.authFile == "":
		return fmt.Errorf("--authfile-mode is for --authfile")
	}
	return nil
}

// place is what this process's environment says of where tools look.
func (a *app) place() authfile.Place {
	return authfile.Place{Getenv: a.env.Getenv, UID: a.env.UID, OS: a.env.OS, Trust: a.env.Trust}
}

// plan finds where logins under these keys go, says what would keep some tools
// from finding them, and stops where podman, buildah or skopeo would not.
func (a *app) plan(flags loginFlags, keys []string) (authfile.Plan, error) {
	plan, err := a.find(flags.placeFlags, keys)
	if err != nil {
		return plan, err
	}
	plan.Conflicts = slices.DeleteFunc(plan.Conflicts, func(c authfile.Conflict) bool { return a.cured(flags, plan, c) })
	for _, conflict := range plan.Conflicts {
		if conflict.Fatal {
			return plan, &conflictError{conflict}
		}
	}
	for _, conflict := range plan.Conflicts {
		a.host.Warn(conflictWords(conflict, plan.Exports))
	}
	return plan, a.checkHelper(planned(plan), flags.helper)
}

func (a *app) find(flags placeFlags, keys []string) (authfile.Plan, error) {
	switch {
	case flags.authFile != "":
		plan, err := a.place().File(flags.authFile, keys...)
		for i := range plan.Files {
			plan.Files[i].Tools = nil      // they look there if they are told to
			if flags.mode != defaultMode { // a file that is there keeps its mode
				plan.Files[i].File.SetMode(modes[flags.mode])
			}
		}
		return plan, err
	case !flags.isolated:
		return a.place().InPlace(keys...)
	case flags.folder != "":
		return a.place().Isolated(flags.folder, keys...)
	}
	if folder := a.isolatedBefore(); folder != "" {
		return a.place().Isolated(folder, keys...)
	}
	if a.env.Unread && a.host.Name() != "github" && a.host.Name() != "tekton" {
		return authfile.Plan{}, errUntold
	}
	// It is made, with mode 0700, when there is something to write.
	name := isolatedPrefix + strings.ToLower(rand.Text()[:12])
	return a.place().Isolated(filepath.Join(a.temporary(), name), keys...)
}

// errUntold is the error before anything is asked for a login that nobody would find.
var errUntold = &host.Curable{
	Text:  "standard output is closed, and --isolated prints the login's location there",
	Cures: []string{"--auth-dir DIR names the private folder; a shell reads it from " + `eval "$(quay-keyless login --isolated ...)"`},
}

// isolatedBefore is the folder of an isolated login that this job made before,
// where a second one belongs too: the tools look in one folder only.
func (a *app) isolatedBefore() string {
	folder := a.env.Getenv("DOCKER_CONFIG")
	if !strings.HasPrefix(filepath.Base(folder), isolatedPrefix) {
		return ""
	}
	return folder
}

// isolatedPrefix is what the names of our private folders begin with.
const isolatedPrefix = "quay-keyless-"

// temporary is where this job's passing files belong: GitHub empties RUNNER_TEMP
// when the job is over.
func (a *app) temporary() string {
	for _, variable := range []string{"RUNNER_TEMP", "TMPDIR", "TEMP"} {
		if folder := a.env.Getenv(variable); folder != "" {
			return folder
		}
	}
	return "/tmp"
}

// cured reports a conflict that this login ends: the plan's variables, which on
// GitHub reach the steps that follow by themselves, make up for a missing
// XDG_RUNTIME_DIR, and our helper goes before another one, a store, and logins
// for organizations, in the files that it is written to.
func (a *app) cured(flags loginFlags, plan authfile.Plan, c authfile.Conflict) bool {
	written := slices.ContainsFunc(plan.Files, func(t authfile.Target) bool { return t.File.Path() == c.Path })
	switch c.Kind {
	case authfile.NoRuntimeDir:
		return a.host.Name() == "github"
	case authfile.OtherHelper, authfile.OtherStore, authfile.NarrowerKey:
		return flags.helper.use && written
	}
	return false
}

// conflictError is a conflict that would keep podman, buildah or skopeo from the
// login.
type conflictError struct {
	conflict authfile.Conflict
}

func (c *conflictError) Error() string { return conflictWords(c.conflict, nil).Text }
func (c *conflictError) Unwrap() error { return c.conflict.Err }

// planned are the plan's files.
func planned(plan authfile.Plan) authFiles {
	var list authFiles
	for _, target := range plan.Files {
		list = append(list, authFile{target.File, finders(plan, target)})
	}
	return list
}

// finders are the tools that will find the login in a file: all that look there,
// but for those that a conflict keeps from it.
func finders(plan authfile.Plan, target authfile.Target) []string {
	kept := func(c authfile.Conflict) bool {
		return !c.Fatal && c.Kind != authfile.NoRuntimeDir && (c.Path == "" || c.Path == target.File.Path())
	}
	if !slices.ContainsFunc(plan.Conflicts, kept) {
		return target.Tools
	}
	return slices.DeleteFunc(slices.Clone(target.Tools), func(tool string) bool {
		return tool == "docker" || tool == "crane" || tool == "helm"
	})
}

// exported are the plan's variables, as the host hands them on.
func exported(plan authfile.Plan) []host.Variable {
	var list []host.Variable
	for _, variable := range plan.Exports {
		list = append(list, host.Variable{Name: variable.Name, Value: variable.Value})
	}
	return list
}
