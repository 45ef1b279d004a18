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

// caText is the CA certificate that the user named, nil for none.
func (l *login) caText(ctx context.Context) ([]byte, error) {
	if l.flags.CaCertificate == "" {
		return nil, nil
	}
	text, err := request.PEMText(l.flags.CaCertificate, l.Env.Reader(ctx))
	if err != nil {
		return nil, &request.UsageError{Err: err}
	}
	return text, nil
}

// checkCA finds what would make addCA fail.
func (l *login) checkCA(ctx context.Context) (err error) {
	if !l.flags.installCA {
		return nil
	}
	if l.ca, err = l.caText(ctx); err != nil {
		return err
	}
	if l.ca == nil {
		return &request.UsageError{Err: errors.New("--install-ca needs the CA: --ca-certificate PATH")}
	}
	if l.certs, err = caPlaces(l.Run); err != nil {
		return err
	}
	for _, host := range hostsOf(l.targets) {
		if err := l.certs.Check(host, l.plan.Files[0].File.Path(), l.ca); err != nil {
			return err
		}
	}
	return nil
}

func caPlaces(run *process.Run) (certsd.Places, error) {
	return certsd.Locate(run.Env.Getenv, run.Env.UID, run.Env.OS, run.Env.Trust)
}

// addCA puts the CA where the tools of the next steps look for each registry's, until
// logout. If that fails, the next logout removes what this login installed.
func (l *login) addCA(context.Context) error {
	if !l.flags.installCA {
		return nil
	}
	for _, host := range hostsOf(l.targets) {
		installed, err := l.certs.Install(host, l.plan.Files[0].File.Path(), l.ca)
		if err != nil {
			return err
		}
		l.Platform.Notice("installed the CA of " + host + " in " + strings.Join(installed, " and "))
	}
	return nil
}

// removeCA removes what logins into this auth file installed for the hosts of keys, or
// for all. A host that still has a login keeps its CA.
func removeCA(ctx context.Context, run *process.Run, file *authfile.File, keys []string) error {
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
