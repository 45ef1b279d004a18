// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// stateVersion is what this program writes and the only one it understands.
const stateVersion = 1

// state is what it takes to put a certs.d folder back. It is written before the
// files that it is about, so a crash leaves a state that leads back.
type state struct {
	Version int                   `json:"version"`
	Made    []string              `json:"made,omitempty"` // folders that we made, outer first
	Hosts   map[string]*hostState `json:"hosts"`
}

// hostState is one host's ca.crt.
type hostState struct {
	Old     []byte            `json:"old"` // nil: there was no file
	Mode    fs.FileMode       `json:"mode,omitempty"`
	Wrote   []string          `json:"wrote"`   // SHA-256 of the texts that may be ours
	Holders map[string][]byte `json:"holders"` // auth file: PEM
}

// text is what ca.crt has to hold: what was there, then the holders'
// certificates, each once, in the order of the auth files' names. Nil: no file.
func (h *hostState) text() []byte {
	if len(h.Holders) == 0 {
		return h.Old
	}
	parts := [][]byte{h.Old}
	for _, holder := range slices.Sorted(maps.Keys(h.Holders)) {
		pem := h.Holders[holder]
		if !slices.ContainsFunc(parts, func(part []byte) bool { return bytes.Equal(part, pem) }) {
			parts = append(parts, pem)
		}
	}
	var text []byte
	for _, part := range parts {
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(text, '\n')
		}
		text = append(text, part...)
	}
	return text
}

// ours reports whether a file's text is one that we wrote.
func (h *hostState) ours(text []byte) bool {
	return text != nil && slices.Contains(h.Wrote, digest(text))
}

// dropGone forgets the holders whose auth file is no more: jobs that were
// killed before they logged out, and whose folder was then cleared.
func (h *hostState) dropGone() {
	maps.DeleteFunc(h.Holders, func(holder string, _ []byte) bool {
		_, err := os.Lstat(holder)
		return errors.Is(err, fs.ErrNotExist)
	})
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// parseState reads a state file's text, nil where there is none.
func parseState(text []byte) (state, error) {
	s := state{Version: stateVersion}
	if text != nil {
		if err := understand(text, &s); err != nil {
			return state{}, because(BadState, err)
		}
	}
	if s.Version != stateVersion {
		return state{}, because(BadState, errors.New("it is of another version"))
	}
	if s.Hosts == nil {
		s.Hosts = map[string]*hostState{}
	}
	for host, known := range s.Hosts {
		if known == nil || validate(host, "/", []byte("-")) != nil {
			return state{}, because(BadState, errors.New("it names no host"))
		}
		if known.Holders == nil {
			known.Holders = map[string][]byte{}
		}
	}
	return s, nil
}

// understand reads a state, all of it: what a later version has added would be lost
// when it is written anew.
func understand(text []byte, s *state) error {
	if err := json.Unmarshal(text, s); err != nil {
		return err
	}
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	return strict.Decode(&state{})
}
