// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"quay-keyless/internal/ownfile"
)

// content is a settings file, including what this version does not know.
type content struct {
	top, hosts map[string]json.RawMessage
	programs   []Installed
}

// ErrVersion is the error of settings that another version of this program wrote.
var ErrVersion = fmt.Errorf("this program knows %d", version)

// parse reads a settings file; no text gives an empty content.
func parse(text []byte) (content, error) {
	c := content{top: map[string]json.RawMessage{}, hosts: map[string]json.RawMessage{}}
	if text == nil {
		return c, nil
	}
	if err := json.Unmarshal(text, &c.top); err != nil {
		return content{}, fmt.Errorf("is no JSON object: %w", err)
	}
	var known int
	if err := json.Unmarshal(c.top["version"], &known); err != nil {
		return content{}, errors.New("has no version")
	}
	if known != version {
		return content{}, fmt.Errorf("is of version %d, and %w", known, ErrVersion)
	}
	if err := json.Unmarshal(c.top["hosts"], &c.hosts); err != nil || c.hosts == nil {
		return content{}, errors.New(`has no object "hosts"`)
	}
	if raw, ok := c.top["programs"]; ok {
		if err := json.Unmarshal(raw, &c.programs); err != nil {
			return content{}, fmt.Errorf("has programs that are none: %w", err)
		}
	}
	return c, nil
}

// settings are those for a host; false where there are none.
func (c content) settings(host string) (Settings, bool, error) {
	raw, ok := c.hosts[host]
	if !ok {
		return Settings{}, false, nil
	}
	s := Settings{TLSVerify: true} // what is left out is safe
	if err := json.Unmarshal(raw, &s); err != nil {
		return Settings{}, false, fmt.Errorf("is wrong for %s: %w", host, err)
	}
	if err := s.validate(); err != nil {
		return Settings{}, false, fmt.Errorf("is wrong for %s: it %w", host, err)
	}
	return s, true, nil
}

// with is a settings file's text with these settings, and with where the program is, once
// for each place.
func with(text []byte, hosts map[string]Settings, program *Installed) ([]byte, error) {
	c, err := parse(text)
	if err != nil {
		return nil, err
	}
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		if err := hosts[host].validate(); err != nil {
			return nil, fmt.Errorf("was given settings for %s that are wrong: it %w", host, err)
		}
		if c.hosts[host], err = over(c.hosts[host], hosts[host]); err != nil {
			return nil, fmt.Errorf("is wrong for %s: %w", host, err)
		}
	}
	if program != nil {
		c.programs = append(slices.DeleteFunc(c.programs, func(p Installed) bool { return p.Path == program.Path }), *program)
	}
	return c.encode()
}

// over lays settings over what the file had for the host. What is not an object counts
// for nothing.
func over(old json.RawMessage, settings Settings) (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(old, &all); err != nil || all == nil {
		all = map[string]json.RawMessage{}
	}
	for _, name := range []string{"id-token-source", "id-token-file", "id-token-env", "id-token-options", "ca-certificate"} {
		delete(all, name) // which the settings may lack
	}
	text, err := json.Marshal(settings)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// encode is the file's text.
func (c content) encode() ([]byte, error) {
	all := maps.Clone(c.top)
	delete(all, "programs")
	members := map[string]any{"version": version, "hosts": c.hosts}
	if len(c.programs) > 0 {
		members["programs"] = c.programs
	}
	for name, value := range members {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		all[name] = text
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
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
