// SPDX-License-Identifier: Apache-2.0

package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	authFile, mode    string
	isolated, inherit bool
	folder, from      string
	given             func(flag string) bool // the user set the flag
}

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
	flags.BoolVar(&f.inherit, "inherit", false, "start from what tools find now (true with --isolated)")
	flags.Lookup("inherit").DefValue = "" // it depends
	f.given = flags.Changed
	flags.StringVar(&f.from, "inherit-from", "", "start from config.json in `DIR`, if it exists")
}

// Check finds flags that exclude each other.
func (f *PlaceFlags) Check() error {
	switch {
	case f.authFile != "" && (f.isolated || f.folder != ""):
		return errors.New("--authfile and --isolated write to different places: choose one")
	case f.folder != "" && !f.isolated:
		return errors.New("--auth-dir is for --isolated")
	case (f.inherit || f.from != "") && f.authFile == "" && !f.isolated:
		return errors.New("--inherit is for --isolated and --authfile: without them the login is where tools look")
	case modes[f.mode] == 0:
		return fmt.Errorf("--authfile-mode %q: it is 0600, 0640 or 0644", f.mode)
	case f.mode != defaultMode && f.authFile == "":
		return errors.New("--authfile-mode is for --authfile")
	}
	return nil
}

// Place is what decides where this job's tools look.
func Place(run *process.Run) lookup.Place {
	return lookup.Place{Getenv: run.Env.Getenv, UID: run.Env.UID, OS: run.Env.OS, Trust: run.Env.Trust, List: func(store string) ([]string, error) {
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
		return slices.Sorted(maps.Keys(users)), err
	}}
}

// storePatience limits a credential store, which may wait for a person.
const storePatience = 5 * time.Second

// Plan finds the files for the targets' logins. It warns of what would hide them from
// some tools, and fails if podman, buildah or skopeo would not find them.
func Plan(run *process.Run, flags Flags, targets []request.Target) (lookup.Plan, error) {
	var keys []lookup.Key
	for _, t := range targets {
		keys = append(keys, lookup.Key{Host: t.Registry.Host, Org: t.Registry.Namespace, Robot: t.Robot.String()})
	}
	plan, err := flags.find(run, keys)
	if err != nil {
		return plan, err
	}
	plan.Conflicts = slices.DeleteFunc(plan.Conflicts, func(c lookup.Conflict) bool { return solved(run, flags, plan, c) })
	for _, conflict := range plan.Conflicts {
		if conflict.Fatal {
			return plan, &conflict
		}
	}
	for _, conflict := range plan.Conflicts {
		warn(run, &conflict)
	}
	warnOfNamespaces(run, targets, plan)
	if flags.Helper.use {
		warnOfHidden(run, plan)
	}
	warnOfCheckout(run, plan)
	return plan, nil
}

// find finds the files, and what would hide a login there.
func (f *PlaceFlags) find(run *process.Run, keys []lookup.Key) (lookup.Plan, error) {
	place := Place(run)
	if f.authFile == "" && !f.isolated {
		if err := dockerConfigFile(run.Env.Getenv("DOCKER_CONFIG")); err != nil {
			return lookup.Plan{}, err
		}
		return place.InPlace(keys...)
	}
	inherit := lookup.Inherit{On: f.inherit || !f.given("inherit") && (f.isolated || f.from != ""), From: f.from}
	if inherit.On && modes[f.mode]&0o004 != 0 {
		run.Platform.Notice("inherited no logins, because --authfile-mode " + f.mode + " lets every user read them")
		inherit.On = false
	}
	if f.authFile != "" {
		plan, err := place.File(f.authFile, inherit, keys...)
		if err == nil && f.mode != defaultMode { // a file that is there keeps its mode
			plan.Files[0].File.Mode = modes[f.mode]
		}
		return plan, err
	}
	folder := cmp.Or(f.folder, isolatedBefore(run))
	if folder == "" {
		if run.Env.StdoutClosed && !run.Platform.Can().Tell {
			return lookup.Plan{}, errUntold
		}
		// It is made, with mode 0700, when there is something to write.
		folder = filepath.Join(temporary(run, "RUNNER_TEMP", "TMPDIR", "TEMP"), authfile.PrivatePrefix+strings.ToLower(rand.Text()[:12]))
	}
	return place.Isolated(folder, inherit, keys...)
}

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
	Steps: []platform.Step{{Text: "Choose the private folder with --auth-dir DIR, or have a shell read its location:", Command: `eval "$(quay-keyless login --isolated ...)"`}},
}

// isolatedBefore is the folder of this job's earlier isolated login. A second one uses it
// too, because tools look in one folder only.
func isolatedBefore(run *process.Run) string {
	for _, file := range Place(run).Named() {
		folder := filepath.Dir(file.Path())
		if file.Isolated() != nil || strings.HasPrefix(filepath.Base(folder), authfile.PrivatePrefix) {
			return folder
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

// solved reports a conflict that this login solves: a platform that hands the plan's
// variables on replaces a missing XDG_RUNTIME_DIR; and tools prefer our helper to another
// helper, a store, and logins for organizations in the same file.
func solved(run *process.Run, flags Flags, plan lookup.Plan, c lookup.Conflict) bool {
	switch c.Kind {
	case lookup.NoRuntimeDir:
		return run.Platform.Can().HandOn && len(plan.Exports) > 0
	case lookup.OtherHelper, lookup.OtherStore, lookup.NarrowerKey:
		return flags.Helper.use && slices.ContainsFunc(plan.Files, func(t lookup.Target) bool { return t.File.Path() == c.Path })
	}
	return false
}
