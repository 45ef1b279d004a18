// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// PlaceFlags say where to write a login.
type PlaceFlags struct {
	authFile string
	mode     string
	isolated bool
	folder   string
	inherit  choice
	from     string
}

// choice is a flag that is true, false or not set.
type choice struct{ set, on bool }

// Set reads true or false; "" is not set.
func (c *choice) Set(text string) (err error) {
	*c = choice{set: text != ""}
	if c.set {
		c.on, err = strconv.ParseBool(text)
	}
	return err
}

// String is the choice, "" for none.
func (c *choice) String() string {
	if !c.set {
		return ""
	}
	return strconv.FormatBool(c.on)
}

// Type is the flag's type in help.
func (c *choice) Type() string { return "bool" }

// defaultMode is that of a new file with a login.
const defaultMode = "0600"

// modes are the useful ones: readable by the owner, the group, or every user of the
// container.
var modes = map[string]os.FileMode{defaultMode: 0o600, "0640": 0o640, "0644": 0o644}

// AddTo declares the flags.
func (f *PlaceFlags) AddTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.authFile, "authfile", "", "write to the auth file `PATH` and no other")
	flags.StringVar(&f.mode, "authfile-mode", defaultMode, "set the `MODE` of --authfile: 0600, 0640, 0644")
	flags.BoolVar(&f.isolated, "isolated", false, "write to a private folder, where the next steps look")
	flags.StringVar(&f.folder, "auth-dir", "", "use the folder `DIR` for --isolated (default: a new one)")
	flags.Var(&f.inherit, "inherit", "start from what tools find now (true with --isolated)")
	flags.Lookup("inherit").NoOptDefVal = "true"
	flags.StringVar(&f.from, "inherit-from", "", "start from config.json in `DIR`, if it exists")
}

// Check finds flags that exclude each other.
func (f *PlaceFlags) Check() error {
	switch {
	case f.authFile != "" && (f.isolated || f.folder != ""):
		return fmt.Errorf("--authfile names one file, --isolated a folder of its own: choose one")
	case f.folder != "" && !f.isolated:
		return fmt.Errorf("--auth-dir is for --isolated")
	case (f.inherit.on || f.from != "") && f.authFile == "" && !f.isolated:
		return fmt.Errorf("--inherit is for --isolated and --authfile: without them the login is where tools look")
	case modes[f.mode] == 0:
		return fmt.Errorf("--authfile-mode %q: it is 0600, 0640 or 0644", f.mode)
	case f.mode != defaultMode && f.authFile == "":
		return fmt.Errorf("--authfile-mode is for --authfile")
	}
	return nil
}

// Place is what decides where this job's tools look.
func Place(run *process.Run) lookup.Place {
	return lookup.Place{Getenv: run.Env.Getenv, UID: run.Env.UID, OS: run.Env.OS, Trust: run.Env.Trust}
}

// Plan finds the files for the targets' logins. It warns of what would hide them from
// some tools, and fails if podman, buildah or skopeo would not find them.
func Plan(run *process.Run, flags Flags, targets []request.Target) (lookup.Plan, error) {
	var keys []lookup.Key
	for _, t := range targets {
		keys = append(keys, lookup.Key{Host: t.Registry.Host, Org: t.Registry.Namespace, Robot: t.Robot.String()})
	}
	plan, err := find(run, flags.PlaceFlags, keys)
	if err != nil {
		return plan, err
	}
	plan.Conflicts = slices.DeleteFunc(plan.Conflicts, func(c lookup.Conflict) bool { return cured(run, flags, plan, c) })
	for _, conflict := range plan.Conflicts {
		if conflict.Fatal {
			return plan, &conflict
		}
	}
	for _, conflict := range plan.Conflicts {
		warn(run, &conflict)
	}
	warnOfNamespaces(run, targets, plan)
	warnOfHidden(run, flags, plan)
	warnOfCheckout(run, plan)
	return plan, checkHelper(run, Planned(plan), flags.Helper)
}

func find(run *process.Run, flags PlaceFlags, keys []lookup.Key) (lookup.Plan, error) {
	switch {
	case flags.authFile != "":
		plan, err := Place(run).File(flags.authFile, flags.inherited(run), keys...)
		if err == nil && flags.mode != defaultMode { // a file that is there keeps its mode
			plan.Files[0].File.SetMode(modes[flags.mode])
		}
		return plan, err
	case !flags.isolated:
		if err := dockerConfigFile(run.Env.Getenv("DOCKER_CONFIG")); err != nil {
			return lookup.Plan{}, err
		}
		return Place(run).InPlace(keys...)
	case flags.folder != "":
		return Place(run).Isolated(flags.folder, flags.inherited(run), keys...)
	}
	if folder := isolatedBefore(run); folder != "" {
		return Place(run).Isolated(folder, flags.inherited(run), keys...)
	}
	if run.Env.StdoutClosed && !run.Platform.Can().Tell {
		return lookup.Plan{}, errUntold
	}
	// It is made, with mode 0700, when there is something to write.
	name := authfile.PrivatePrefix + strings.ToLower(rand.Text()[:12])
	return Place(run).Isolated(filepath.Join(temporary(run, "RUNNER_TEMP", "TMPDIR", "TEMP"), name), flags.inherited(run), keys...)
}

// inherited is what a new file starts from: nothing if every user may read it.
func (f *PlaceFlags) inherited(run *process.Run) lookup.Inherit {
	in := lookup.Inherit{On: f.inherit.on || !f.inherit.set && (f.isolated || f.from != ""), From: f.from}
	if in.On && modes[f.mode]&0o004 != 0 {
		run.Platform.Notice("inherited no logins, because --authfile-mode " + f.mode + " lets every user read them")
		in.On = false
	}
	in.List = func(store string) ([]string, error) {
		if run.Env.CredentialStore == nil {
			return nil, errors.ErrUnsupported
		}
		ctx, cancel := context.WithTimeout(context.Background(), storePatience)
		defer cancel()
		text, err := run.Env.CredentialStore(ctx, store)
		var users map[string]string
		if err == nil {
			err = json.Unmarshal(text, &users)
		}
		return sortedKeys(users), err
	}
	return in
}

// storePatience limits a credential store, which may wait for a person.
const storePatience = 5 * time.Second

// dockerConfigFile finds a DOCKER_CONFIG that names a file.
func dockerConfigFile(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return nil //nolint:nilerr // a missing folder is created
	}
	return &platform.Curable{
		Text:   "DOCKER_CONFIG names the file " + path + ": it must name the folder that contains config.json",
		Reason: "no-place",
		Steps:  []platform.Step{{Text: "Name the folder:", Values: []platform.Value{{Name: "DOCKER_CONFIG", Value: filepath.Dir(path)}}}},
	}
}

// errUntold: no step could find the login, because nobody reads its location.
var errUntold = &platform.Curable{
	Text:  "standard output is closed, and --isolated prints the login's location there",
	Cures: []string{"--auth-dir DIR names the private folder; a shell reads it from " + `eval "$(quay-keyless login --isolated ...)"`},
}

// isolatedBefore is the folder of this job's earlier isolated login. A second one uses it
// too, because tools look in one folder only.
func isolatedBefore(run *process.Run) string {
	for _, path := range variablePaths(run) {
		file, err := authfile.Open(path, run.Env.Trust)
		if err == nil && (file.Isolated() != nil || strings.HasPrefix(filepath.Base(filepath.Dir(path)), authfile.PrivatePrefix)) {
			return filepath.Dir(file.Path())
		}
	}
	return ""
}

// temporary is the folder for this job's temporary files: that of the first variable that
// is set. GitHub empties RUNNER_TEMP after the job.
func temporary(run *process.Run, variables ...string) string {
	for _, variable := range variables {
		if folder := run.Env.Getenv(variable); folder != "" {
			return folder
		}
	}
	return "/tmp"
}

// cured reports a conflict that this login solves: GitHub hands the plan's variables to
// the next steps, which replaces a missing XDG_RUNTIME_DIR; and tools prefer our helper
// to another helper, a store, and logins for organizations in the same file.
func cured(run *process.Run, flags Flags, plan lookup.Plan, c lookup.Conflict) bool {
	written := slices.ContainsFunc(plan.Files, func(t lookup.Target) bool { return t.File.Path() == c.Path })
	switch c.Kind {
	case lookup.NoRuntimeDir:
		return run.Platform.Can().HandOn && len(plan.Exports) > 0
	case lookup.OtherHelper, lookup.OtherStore, lookup.NarrowerKey:
		return flags.Helper.use && written
	}
	return false
}

// Planned are the plan's files.
func Planned(plan lookup.Plan) AuthFiles {
	var list AuthFiles
	for _, target := range plan.Files {
		list = append(list, AuthFile{target.File, plan.Tools(target), target.Names})
	}
	return list
}
