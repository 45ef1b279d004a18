// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

func (f folder) statePath() string { return filepath.Join(string(f), ".quay-keyless.json") }
func (f folder) lockPath() string  { return filepath.Join(string(f), ".quay-keyless.lock") }

// mode is that of new folders: in /etc every user's tools have to get through.
func (f folder) mode() fs.FileMode {
	if strings.HasPrefix(string(f), "/etc/") {
		return 0o755
	}
	return 0o700
}

// hosts are the hosts of the state, in order.
func (s state) hosts() []string { return slices.Sorted(maps.Keys(s.Hosts)) }

// open is a certs.d folder whose lock is ours, and its state.
type open struct {
	folder folder
	lock   *os.File
	state  state
}

// open makes the folder where it is missing, waits for its lock until ctx ends,
// and reads the state. A lock or a folder that the one before us removed is
// none: then it starts over.
func (f folder) open(ctx context.Context) (*open, error) {
	var made []string
	for {
		more, err := makeFolders(string(f), f.mode())
		made = append(made, more...)
		if err != nil {
			removeFolders(made)
			return nil, err
		}
		file, err := lock(ctx, f.lockPath())
		if errors.Is(err, fs.ErrNotExist) || err == nil && !ownfile.IsAt(file, f.lockPath()) {
			if file != nil {
				_ = file.Close()
			}
			continue
		}
		if err != nil {
			removeFolders(made)
			return nil, err
		}
		o := &open{folder: f, lock: file}
		if err := o.load(made); err != nil {
			_ = file.Close()
			return nil, err
		}
		return o, nil
	}
}

// lock opens path and waits for its lock.
func lock(ctx context.Context, path string) (*os.File, error) {
	file, err := ownfile.Trust{}.Lock(ctx, path)
	var held *ownfile.Held
	if errors.As(err, &held) {
		return nil, because(Locked, held.Cause)
	}
	return file, err
}

// load reads the state, notes the folders that were just made, and clears away
// what a process that died was writing.
func (o *open) load(made []string) error {
	text, err := readLimited(o.folder.statePath())
	if err != nil {
		return err
	}
	o.state, err = parseState(text)
	if err != nil {
		return because(BadState, fmt.Errorf("%s: %w", o.folder.statePath(), errno.Of(errors.Unwrap(err))))
	}
	o.state.Made = append(made, o.state.Made...)
	wholefile.Sweep(string(o.folder), temporary)
	for _, host := range o.state.hosts() {
		wholefile.Sweep(o.folder.host(host), temporary)
	}
	return nil
}

// save makes the state durable; without hosts there is none to keep.
func (o *open) save() error {
	if len(o.state.Hosts) == 0 {
		if err := os.Remove(o.folder.statePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(o.state)
	if err != nil {
		return err
	}
	return wholefile.Write(o.folder.statePath(), temporary, text, 0o600)
}

// close ends the lock. Where there is nothing of ours left, it first removes
// the lock's file and the folders that we made. A login that makes some of them
// anew in this moment can leave an empty one behind.
func (o *open) close() {
	if _, err := os.Lstat(o.folder.statePath()); errors.Is(err, fs.ErrNotExist) {
		_ = os.Remove(o.folder.lockPath())
		removeFolders(o.state.Made)
	}
	_ = o.lock.Close()
}
