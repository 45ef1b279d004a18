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
	places certsd.Places
	pem    []byte
}

// caInstaller looks, before anything is asked, whether the CA can be installed.
// It is nil where the user did not ask for it.
func (a *app) caInstaller(ctx context.Context, flags loginFlags, targets []target) (*caInstaller, error) {
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
	places, err := certsd.Locate(a.env.Getenv, a.env.UID, a.env.OS)
	if err != nil {
		return nil, err
	}
	for _, host := range hostsOf(targets) {
		if err := places.Check(host, text); err != nil {
			return nil, err
		}
	}
	return &caInstaller{places: places, pem: text}, nil
}

// install puts the CA there for each of the targets' registries, in the name of
// the login's first auth file. What an earlier login installed stays if that
// fails; what this one did for another registry goes with the next logout.
func (c *caInstaller) install(ctx context.Context, a *app, files authFiles, targets []target) error {
	if c == nil {
		return nil
	}
	for _, host := range hostsOf(targets) {
		installed, err := c.places.Install(ctx, host, files[0].Path(), c.pem)
		if err != nil {
			return err
		}
		a.host.Notice("installed the CA of " + host + " in " + strings.Join(installed, " and "))
	}
	return nil
}

// removeCA takes out what logins into this auth file installed, for the hosts
// of the keys, or for all where there are none. What a logout left for others keeps
// its CA too.
func (a *app) removeCA(ctx context.Context, path string, keys []string, outcomes []authfile.Outcome) error {
	places, err := certsd.Locate(a.env.Getenv, a.env.UID, a.env.OS)
	if err != nil {
		return nil // then nothing was installed either
	}
	var hosts, held []string
	for _, key := range keys {
		hosts = append(hosts, hostOf(key))
	}
	for _, outcome := range outcomes {
		if outcome.Result == authfile.Held {
			held = append(held, hostOf(outcome.Key))
		}
	}
	hosts = slices.DeleteFunc(hosts, func(host string) bool { return slices.Contains(held, host) })
	if len(held) > 0 && len(hosts) == 0 {
		return nil
	}
	removed, err := places.Remove(ctx, path, hosts...)
	for _, file := range removed {
		a.host.Notice("put back " + file)
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
	seen := map[string]bool{}
	for _, t := range targets {
		if !seen[t.registry.Host] {
			seen[t.registry.Host] = true
			list = append(list, t.registry.Host)
		}
	}
	return list
}
