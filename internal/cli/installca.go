// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/certsd"
)

// caInstaller puts the CA where the following steps' tools look, until logout.
type caInstaller struct {
	places   certsd.Places
	authFile string // whose login the CA is for
	pem      []byte
}

// caInstaller checks, before it contacts anything, that the CA can be installed for the
// login's first auth file. It is nil unless the user asked for that.
func (a *app) caInstaller(ctx context.Context, flags loginFlags, files authFiles, targets []target) (*caInstaller, error) {
	if !flags.installCA {
		return nil, nil
	}
	if flags.caCertificate == "" {
		return nil, &usageError{err: errors.New("--install-ca needs the CA: --ca-certificate PATH")}
	}
	text, err := pemText(flags.caCertificate, a.env.reader(ctx))
	if err != nil {
		return nil, &usageError{err: err}
	}
	places, err := a.caPlaces()
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

func (a *app) caPlaces() (certsd.Places, error) {
	return certsd.Locate(a.env.Getenv, a.env.UID, a.env.OS, a.env.Trust)
}

// install puts the CA there for each of the targets' registries. What an earlier login
// installed stays if that fails; what this one did for another registry goes with the
// next logout.
func (c *caInstaller) install(a *app, targets []target) error {
	if c == nil {
		return nil
	}
	for _, host := range hostsOf(targets) {
		installed, err := c.places.Install(host, c.authFile, c.pem)
		if err != nil {
			return err
		}
		a.host.Notice("installed the CA of " + host + " in " + strings.Join(installed, " and "))
	}
	return nil
}

// removeCA removes what logins into this auth file installed, for the hosts of the keys,
// or for all without keys. A login that the logout kept for another job keeps its CA too.
func (a *app) removeCA(path string, keys []string, outcomes []authfile.Outcome) error {
	places, err := a.caPlaces()
	if err != nil {
		return nil // then nothing was installed either
	}
	removed, err := places.Remove(path, func(host string) bool {
		held := func(o authfile.Outcome) bool { return o.Result == authfile.Held && hostOf(o.Key) == host }
		named := func(key string) bool { return hostOf(key) == host }
		return !slices.ContainsFunc(outcomes, held) && (len(keys) == 0 || slices.ContainsFunc(keys, named))
	})
	for _, file := range removed {
		a.host.Notice("removed " + file)
	}
	return err
}

// hostOf is the host of an auth file's key.
func hostOf(key string) string {
	host, _, _ := strings.Cut(key, "/")
	return host
}

// hostsOf is the targets' registries, each once.
func hostsOf(targets []target) []string {
	var list []string
	for _, t := range targets {
		if !slices.Contains(list, t.registry.Host) {
			list = append(list, t.registry.Host)
		}
	}
	return list
}
