// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"quay-keyless/internal/wholefile"
)

// certificate is the file that is written for a host.
const certificate = "ca.crt"

// folder is one certs.d folder.
type folder string

func (f folder) host(host string) string { return filepath.Join(string(f), host) }
func (f folder) file(host string) string { return filepath.Join(string(f), host, certificate) }

// install makes holder's certificates those in pem, and gives what they were
// before, nil for none.
func (f folder) install(ctx context.Context, host, holder string, pem []byte) (before []byte, err error) {
	o, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	defer o.close()
	present, mode, err := read(f.host(host))
	if err != nil {
		return nil, err
	}
	known := o.state.Hosts[host]
	if known == nil {
		known = &hostState{Holders: map[string][]byte{}}
		o.state.Hosts[host] = known
	}
	if !known.ours(present) { // another tool wrote there, or nobody did
		known.Old, known.Mode = present, mode
	}
	before = known.Holders[holder]
	known.Holders[holder] = pem
	err = o.write(host, present)
	if err != nil {
		o.settle(host, holder, before)
	}
	return before, err
}

// write brings a host's file to what the state says, from present.
func (o *open) write(host string, present []byte) error {
	known := o.state.Hosts[host]
	text := known.text()
	wrote := []string{digest(text)}
	if known.ours(present) {
		wrote = append(wrote, digest(present)) // until the rename, that is what is there
	}
	known.Wrote = wrote
	dir := o.folder.host(host)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) && text != nil {
		o.state.Made = append(o.state.Made, dir)
	}
	if err := o.save(); err != nil {
		return err
	}
	mode := fs.FileMode(0o644) // other users' tools read /etc/docker, and a CA is public
	if len(known.Holders) == 0 {
		mode = known.Mode
	}
	switch {
	case bytes.Equal(text, present) && (text == nil) == (present == nil):
		return nil
	case text == nil:
		return os.Remove(o.folder.file(host))
	}
	if err := os.Mkdir(dir, o.folder.mode()); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return wholefile.Write(o.folder.file(host), temporary, text, mode)
}

// settle takes an installation back that did not work, as well as that goes.
func (o *open) settle(host, holder string, before []byte) {
	known := o.state.Hosts[host]
	delete(known.Holders, holder)
	if before != nil {
		known.Holders[holder] = before
	}
	if len(known.Holders) == 0 {
		o.forget(host)
	}
	_ = o.save() // if this fails too, the state from before counts, or one that leads back
}

// revert undoes an install that worked, for one elsewhere that did not.
func (f folder) revert(ctx context.Context, host, holder string, before []byte) {
	if before == nil {
		_, _ = f.remove(ctx, holder, []string{host})
		return
	}
	_, _ = f.install(ctx, host, holder, before)
}

// remove ends what holder has for these hosts, or for all. It gives the files
// that it changed.
func (f folder) remove(ctx context.Context, holder string, hosts []string) (changed []string, err error) {
	if _, err := os.Lstat(f.statePath()); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	o, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	defer o.close()
	for _, host := range o.state.hosts() {
		known := o.state.Hosts[host]
		if len(hosts) == 0 || slices.Contains(hosts, host) {
			delete(known.Holders, holder)
		}
		known.dropGone()
		done, fault := o.leave(host)
		err = errors.Join(err, fault) // the state keeps it for the next removal
		if done {
			changed = append(changed, f.file(host))
		}
	}
	return changed, errors.Join(err, o.save())
}

// leave writes a host's file for the holders that are left. A file that is not
// ours any more stays, and so does one that nothing changes in.
func (o *open) leave(host string) (changed bool, err error) {
	known := o.state.Hosts[host]
	present, _, err := read(o.folder.host(host))
	if err != nil && !surprising(err) {
		return false, err
	}
	if err == nil && known.ours(present) {
		if err := o.write(host, present); err != nil {
			return false, err
		}
		changed = !bytes.Equal(known.text(), present)
	}
	if len(known.Holders) == 0 {
		o.forget(host)
	}
	return changed, nil
}

// surprising tells a file that somebody put in the place of ours.
func surprising(err error) bool {
	var known *Error
	return errors.As(err, &known) && (known.Reason == Linked || known.Reason == NotRegular || known.Reason == Foreign)
}

// forget takes a host out of the state, and its folder away if we made it and
// nothing is in it.
func (o *open) forget(host string) {
	delete(o.state.Hosts, host)
	dir := o.folder.host(host)
	if slices.Contains(o.state.Made, dir) {
		_ = os.Remove(dir)
		o.state.Made = slices.DeleteFunc(o.state.Made, func(made string) bool { return made == dir })
	}
}
