// SPDX-License-Identifier: Apache-2.0

// Package certsd puts a private CA where podman, buildah and skopeo look for the
// CA of a registry host, certs.d/HOST[:PORT]/, and for root also where the docker
// engine looks.
//
// Of several certs.d folders the tools read only the first that has a folder for
// the host, and there every *.crt, *.cert and *.key (measured with containers/image
// 5.23.1; containers-certs.d(5)). So each login has its own file there, named after its
// auth file, and a new folder in a home must not hide one in /etc.
package certsd

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/ownfile"
)

// ErrUnsupported says that no tool on this operating system reads what Install writes.
var ErrUnsupported error = notInstalled("podman, buildah and docker work in a virtual machine here, which has its own CA certificates")

// errHides says that a new folder would hide certificates that tools read now.
var errHides = errors.New("tools would not read this file any more")

// Error says why a CA certificate could not be installed or removed.
type Error struct {
	Path string // of the certificate
	Err  error  // names another path if that one is the reason
}

// Error is one sentence.
func (e *Error) Error() string { return "CA certificate " + e.Path + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// fault is an error about the certificate, nil for none.
func (c certificate) fault(err error) error {
	if err == nil {
		return nil
	}
	return &Error{c.path(), errno.WithoutPath(err)}
}

// Places are the certs.d folders of one user.
type Places struct {
	Search []string // what podman, buildah and skopeo go through
	Write  []string // those of Search that this user may change
	Docker string   // the docker engine's folder, "" if this user may not change it
	Trust  ownfile.Trust
}

// Locate returns the places of the user with this numeric id. XDG_CONFIG_HOME does not
// matter: the tools always use $HOME/.config.
//
// The error is [ErrUnsupported] unless goos is linux, or says that HOME is not an
// absolute path.
func Locate(getenv func(string) string, uid int, goos string, trust ownfile.Trust) (Places, error) {
	if goos != "linux" {
		return Places{}, ErrUnsupported
	}
	home := getenv("HOME")
	if !filepath.IsAbs(home) {
		return Places{}, fmt.Errorf("HOME is %q, so there is no folder for a CA certificate", home)
	}
	own := filepath.Join(home, ".config", "containers", "certs.d")
	const docker = "/etc/docker/certs.d"
	places := Places{Search: []string{own, "/etc/containers/certs.d", docker}, Write: []string{own}, Trust: trust}
	if uid == 0 {
		places.Write = places.Search
		places.Docker = docker
	}
	return places, nil
}

// Install makes the tools trust the PEM certificates for host (HOST or HOST:PORT, as in
// an image's name), for the login in an auth file with this absolute path. It returns the
// paths of the files that hold the certificates now: all of them, or none and an
// [*Error]. Installing again replaces what the login had.
func (p Places) Install(host, authFile string, pem []byte) (installed []string, err error) {
	targets, err := p.targets(host, authFile, pem)
	if err != nil {
		return nil, err
	}
	var undo []func()
	for _, target := range targets {
		step, err := target.install(pem)
		undo = append(undo, step)
		if err != nil {
			for _, step := range slices.Backward(undo) {
				step()
			}
			return nil, target.fault(err)
		}
		installed = append(installed, target.path())
	}
	return installed, nil
}

// Check finds what would keep Install from its work, as far as looking tells,
// and changes nothing. The error is an [*Error].
func (p Places) Check(host, authFile string, pem []byte) error {
	targets, err := p.targets(host, authFile, pem)
	for _, target := range targets {
		err = cmp.Or(err, target.fault(target.check()))
	}
	return err
}

// targets are the certificates to write for a host.
func (p Places) targets(host, authFile string, pem []byte) ([]certificate, error) {
	if host == "" || strings.HasPrefix(host, ".") || strings.ContainsAny(host, "/\\\x00 \t\r\n") { // would lead out of certs.d
		return nil, &Error{host, fmt.Errorf("%q is not a registry host", host)}
	}
	winner := p.winner(host)
	if !slices.Contains(p.Write, winner) {
		if err := hides(filepath.Join(winner, host), pem); err != nil {
			return nil, p.at(p.Search[0], host, authFile).fault(err)
		}
		winner = p.Search[0]
	}
	targets := []certificate{p.at(winner, host, authFile)}
	if p.Docker != "" && p.Docker != winner {
		targets = append(targets, p.at(p.Docker, host, authFile))
	}
	return targets, nil
}

func (p Places) at(folder, host, authFile string) certificate {
	return certificate{filepath.Join(folder, host), authFile, p.Trust}
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
		return nil // the tools skip it as well
	} else if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch filepath.Ext(path) {
		case ".crt":
			text, err := ownfile.ReadAny(path, maxFile)
			if _, same := split(text); err == nil && bytes.Equal(same, pem) {
				continue
			}
		case ".cert", ".key":
		default:
			continue
		}
		return fmt.Errorf("%w: %s", errHides, path)
	}
	return nil
}

// hosts are the certificates of an auth file, present or not, for the hosts that have a
// folder. Nothing was installed in a folder that cannot be read.
func (p Places) hosts(authFile string, which func(host string) bool) (list []certificate) {
	for _, dir := range p.Write {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if which(entry.Name()) {
				list = append(list, p.at(dir, entry.Name(), authFile))
			}
		}
	}
	return list
}

// Installed reports whether there is a certificate for an auth file and one of these
// hosts, or nobody can tell.
func (p Places) Installed(authFile string, which func(host string) bool) bool {
	return slices.ContainsFunc(p.hosts(authFile, which), func(c certificate) bool {
		_, err := os.Lstat(c.path())
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// Remove deletes the certificates of authFile for each host that which accepts, and
// folders that Install made, if they are empty. It is no error if there is nothing to
// delete.
//
// It returns the paths that it deleted. It continues after an error and joins the
// [*Error] of each certificate.
func (p Places) Remove(authFile string, which func(host string) bool) (removed []string, err error) {
	var made []string
	for _, c := range p.hosts(authFile, which) {
		was, folders, fault := c.remove()
		err = errors.Join(err, c.fault(fault))
		if was {
			removed = append(removed, c.path())
		}
		made = append(made, folders...)
	}
	removeEmpty(made)
	return removed, err
}

// Sweep removes what killed jobs left for these hosts a day ago.
func (p Places) Sweep(which func(host string) bool) {
	var made []string
	for _, c := range p.hosts("", which) {
		if c.check() == nil {
			made = append(made, c.sweep()...)
		}
	}
	removeEmpty(made)
}
