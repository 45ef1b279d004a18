// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"

	"quay-keyless/internal/ownfile"
)

// release takes one holder from a host, and the host with the last.
func (c content) release(host, holder string) error {
	all := members(c.hosts[host])
	holders := holdersBut(all, holder)
	if len(holders) == 0 {
		delete(c.hosts, host)
		return nil
	}
	text, err := json.Marshal(holders)
	if err != nil {
		return err
	}
	all["holders"] = text
	c.hosts[host], err = json.Marshal(all)
	return err
}

// holdersBut are the auth files that hold a host, without one and without those
// that are gone.
func holdersBut(host map[string]json.RawMessage, holder string) []string {
	var holders []string
	_ = json.Unmarshal(host["holders"], &holders) // whatever else it is names nobody
	return slices.DeleteFunc(holders, func(path string) bool {
		_, err := os.Lstat(path)
		return path == holder || errors.Is(err, fs.ErrNotExist)
	})
}

// members are those of a host's settings; what is no object has none, and counts
// for nothing.
func members(raw json.RawMessage) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil || all == nil {
		return map[string]json.RawMessage{}
	}
	return all
}

// keep notes where the program is, once for each place.
func (c *content) keep(program *Installed) {
	if program == nil {
		return
	}
	c.programs = append(slices.DeleteFunc(c.programs, func(p Installed) bool { return p.Path == program.Path }), *program)
}

// held reports whether a settings file still holds the program.
func (p Installed) held() bool {
	return slices.ContainsFunc(p.Holders, func(path string) bool {
		text, err := ownfile.ReadAny(path, maxSettings)
		if err != nil {
			return false
		}
		c, err := parse(text)
		return err == nil && slices.ContainsFunc(c.programs, func(other Installed) bool { return other.Path == p.Path })
	})
}
