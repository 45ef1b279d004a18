// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/certsd"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// caInstaller puts the CA where the tools of the next steps look, until logout.
type caInstaller struct {
	places   certsd.Places
	authFile string // whose login the CA is for
	pem      []byte
}

// newCAInstaller checks, before the login contacts anything, that it can install the CA.
// It returns nil unless the user asked for that.
func newCAInstaller(ctx context.Context, run *process.Run, flags Flags, files AuthFiles, targets []request.Target) (*caInstaller, error) {
	if !flags.InstallCA {
		return nil, nil
	}
	if flags.CaCertificate == "" {
		return nil, &request.UsageError{Err: errors.New("--install-ca needs the CA: --ca-certificate PATH")}
	}
	text, err := request.PEMText(flags.CaCertificate, run.Env.Reader(ctx))
	if err != nil {
		return nil, &request.UsageError{Err: err}
	}
	places, err := caPlaces(run)
	if err != nil {
		return nil, err
	}
	installer := &caInstaller{places, files[0].Path(), text}
	for _, host := range hostsOf(targets) {
		if err := places.Check(host, installer.authFile, text); err != nil {
			return nil, err
		}
	}
	return installer, nil
}

func caPlaces(run *process.Run) (certsd.Places, error) {
	return certsd.Locate(run.Env.Getenv, run.Env.UID, run.Env.OS, run.Env.Trust)
}

// install puts the CA there for each registry. If that fails, the next logout removes
// what this login installed.
func (c *caInstaller) install(a *process.Run, targets []request.Target) error {
	if c == nil {
		return nil
	}
	for _, host := range hostsOf(targets) {
		installed, err := c.places.Install(host, c.authFile, c.pem)
		if err != nil {
			return err
		}
		a.Platform.Notice("installed the CA of " + host + " in " + strings.Join(installed, " and "))
	}
	return nil
}

// removeCA removes what logins into this auth file installed for the hosts of keys, or
// for all. A host that still has a login keeps its CA.
func removeCA(ctx context.Context, run *process.Run, file AuthFile, keys []string) error {
	places, err := caPlaces(run)
	if err != nil {
		return nil // then nothing was installed either
	}
	about := func(host string) bool {
		return len(keys) == 0 || slices.ContainsFunc(keys, func(key string) bool { return authfile.HostOf(key) == host })
	}
	defer places.Sweep(about)
	if !places.Installed(file.Path(), about) {
		return nil
	}
	return file.Held(ctx, func(held func(host string) bool) error {
		removed, err := places.Remove(file.Path(), func(host string) bool { return about(host) && !held(host) })
		for _, file := range removed {
			run.Platform.Notice("removed " + file)
		}
		return err
	})
}

// hostsOf are the targets' registries, without duplicates.
func hostsOf(targets []request.Target) []string {
	var list []string
	for _, t := range targets {
		if !slices.Contains(list, t.Registry.Host) {
			list = append(list, t.Registry.Host)
		}
	}
	return list
}
