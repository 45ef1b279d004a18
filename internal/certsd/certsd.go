// SPDX-License-Identifier: Apache-2.0

// Package certsd puts a private CA where podman, buildah and skopeo look for
// the CA of a registry host, certs.d/HOST[:PORT]/ca.crt, and for root also
// where the docker engine looks, and takes it out again.
//
// The tools take the first of several certs.d folders that has a folder for the
// host, and of that every *.crt, *.cert and *.key (measured with containers/image
// 5.23.1; containers-certs.d(5)). So a new folder in a home hides an
// administrator's in /etc, and a file of ours that replaced another would take
// its CAs away: Install refuses the first and appends to the second.
//
// Each installation belongs to a holder, the auth file of the login that it came
// with. The last holder to leave puts back what was there before. What that was
// is kept in certs.d/.quay-keyless.json, which the tools do not read.
package certsd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrUnsupported says that no tool on this operating system would read what
// Install writes.
var ErrUnsupported = errors.New("podman, buildah and docker work in a virtual machine here, which has CA certificates of its own")

// Places are the certs.d folders of one user. The zero value is of no use.
type Places struct {
	// Search are the folders that podman, buildah and skopeo go through; the
	// first that has a folder for the host counts.
	Search []string
	// Write are those of Search that this user may change.
	Write []string
	// Docker is the docker engine's folder, "" where this user may not change it.
	Docker string
}

// Locate gives the places of the user with this numeric id. XDG_CONFIG_HOME does
// not matter: the tools take $HOME/.config whatever it says (measured).
//
// The error is [ErrUnsupported] where goos, a GOOS, is not linux, or says that
// HOME is no absolute path.
func Locate(getenv func(string) string, uid int, goos string) (Places, error) {
	if goos != "linux" {
		return Places{}, ErrUnsupported
	}
	home := getenv("HOME")
	if !filepath.IsAbs(home) {
		return Places{}, fmt.Errorf("HOME is %q, so there is no folder for a CA certificate", home)
	}
	own := filepath.Join(home, ".config", "containers", "certs.d")
	const docker = "/etc/docker/certs.d"
	places := Places{Search: []string{own, "/etc/containers/certs.d", docker}, Write: []string{own}}
	if uid == 0 {
		places.Write = places.Search
		places.Docker = docker
	}
	return places, nil
}

// Install makes the tools trust the PEM certificates for host (HOST or
// HOST:PORT, as in an image's name) until holder removes them. Holder is the
// absolute path of the auth file that the login went to. The caller has made
// sure that pem holds certificates and nothing else.
//
// It gives the paths of the files that hold the certificates now: all of them,
// or none and an [*Error]. Installing again replaces what the holder had.
func (p Places) Install(ctx context.Context, host, holder string, pem []byte) ([]string, error) {
	if err := validate(host, holder, pem); err != nil {
		return nil, err
	}
	targets, err := p.targets(host, pem)
	if err != nil {
		return nil, err
	}
	var installed []string
	var undo []func()
	for _, target := range targets {
		before, err := target.install(ctx, host, holder, pem)
		if err != nil {
			for _, step := range slices.Backward(undo) {
				step()
			}
			return nil, located(target.file(host), err)
		}
		undo = append(undo, func() { target.revert(context.WithoutCancel(ctx), host, holder, before) })
		installed = append(installed, target.file(host))
	}
	return installed, nil
}

// Check finds what would keep Install from its work, as far as looking tells,
// and changes nothing. The error is an [*Error].
func (p Places) Check(host string, pem []byte) error {
	targets, err := p.targets(host, pem)
	if err != nil {
		return err
	}
	for _, target := range targets {
		if _, _, err := read(target.host(host)); err != nil {
			return located(target.file(host), err)
		}
	}
	return nil
}

// targets are the folders to write for a host.
func (p Places) targets(host string, pem []byte) ([]folder, error) {
	winner := p.winner(host)
	if !slices.Contains(p.Write, winner) {
		if err := hides(filepath.Join(winner, host), pem); err != nil {
			return nil, located(filepath.Join(p.Search[0], host, certificate), err)
		}
		winner = p.Search[0]
	}
	targets := []folder{folder(winner)}
	if p.Docker != "" && p.Docker != winner {
		targets = append(targets, folder(p.Docker))
	}
	return targets, nil
}

// winner is the certs.d folder that the tools use for host now, or would if
// there were a folder for it.
func (p Places) winner(host string) string {
	for _, dir := range p.Search {
		if _, err := os.Stat(filepath.Join(dir, host)); err == nil {
			return dir
		}
	}
	return p.Search[0]
}

// hides finds what the tools read in dir and would not any more if a folder
// before it had one for the host. The same CA is no loss.
func hides(dir string, pem []byte) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil // the tools pass over it as well
	} else if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch filepath.Ext(path) {
		case ".crt":
			if text, err := os.ReadFile(path); err == nil && string(text) == string(pem) {
				continue
			}
		case ".cert", ".key":
		default:
			continue
		}
		return because(Hides, fmt.Errorf("%s", path))
	}
	return nil
}

// Remove ends what Install did for holder and these hosts, without hosts for
// all of them. The last holder's removal puts back what was there before, byte for
// byte, where the present file is still ours; holders whose auth file is gone do not
// count. Nothing to remove is no error.
//
// It gives the paths of the files that were put back or removed. It goes on where
// one fails; the error joins the [*Error] of each.
func (p Places) Remove(ctx context.Context, holder string, hosts ...string) ([]string, error) {
	var removed []string
	var faults []error
	for _, dir := range p.Write {
		paths, err := folder(dir).remove(ctx, holder, hosts)
		removed = append(removed, paths...)
		if err != nil {
			faults = append(faults, located(dir, err))
		}
	}
	return removed, errors.Join(faults...)
}

// validate keeps a host from leading out of its certs.d folder.
func validate(host, holder string, pem []byte) error {
	switch {
	case host == "" || strings.HasPrefix(host, ".") || strings.ContainsAny(host, "/\\\x00 \t\r\n"):
		return located("", because(BadRequest, fmt.Errorf("%q is not a registry host", host)))
	case !filepath.IsAbs(holder):
		return located("", because(BadRequest, fmt.Errorf("%q is not an absolute path", holder)))
	case len(pem) == 0:
		return located("", because(BadRequest, errors.New("there is no certificate")))
	}
	return nil
}
