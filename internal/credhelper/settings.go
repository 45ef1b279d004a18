// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/errno"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/platform"
)

// FileName is the settings file's name; it stands beside an auth file.
const FileName = "quay-keyless.json"

// version is the one that this program writes and understands.
const version = 1

// Settings are what an exchange for one host needs. One of Source, File and Variable is
// set. A new field also needs: names in content.go, ToSettings and FromSettings in
// package login.
type Settings struct {
	Registry string `json:"registry"` // as the user wrote it, with http:// where he chose so
	Robot    string `json:"robot"`
	Audience string `json:"audience"`
	Source   string `json:"id-token-source,omitempty"` // the source's name, never auto
	File     string `json:"id-token-file,omitempty"`   // absolute: tools run anywhere
	Variable string `json:"id-token-env,omitempty"`
	// Options are the source's flags by name. They never hold a secret, only the file or
	// the variable that has it.
	Options map[string]string `json:"id-token-options,omitempty"`
	// CA is PEM text, because a path may be gone when a tool asks, or outside of the
	// tool's container.
	CA        string `json:"ca-certificate,omitempty"`
	TLSVerify bool   `json:"tls-verify"`
	Timeout   string `json:"timeout"` // as 1m30s
}

// Limit is the timeout as a duration.
func (s Settings) Limit() (time.Duration, error) {
	limit, err := time.ParseDuration(s.Timeout)
	if err != nil || limit <= 0 {
		return 0, fmt.Errorf("timeout %q is not a duration", s.Timeout)
	}
	return limit, nil
}

// validate finds settings that no exchange could use.
func (s Settings) validate() error {
	sources := 0
	for _, source := range []string{s.Source, s.File, s.Variable} {
		if source != "" {
			sources++
		}
	}
	switch {
	case s.Registry == "":
		return errors.New("has no registry")
	case s.Robot == "":
		return errors.New("has no robot")
	case s.Audience == "":
		return errors.New("has no audience")
	case sources != 1:
		return fmt.Errorf("has %d places for the ID token, not one", sources)
	}
	if _, err := s.Limit(); err != nil {
		return fmt.Errorf("has a %w", err)
	}
	return nil
}

// Error is a settings file that cannot be used.
type Error struct {
	Path string
	Err  error // completes the sentence "settings file PATH ..."
}

// Error is one sentence about the file.
func (e *Error) Error() string { return "settings file " + e.Path + " " + e.Err.Error() }

// Unwrap returns what the system or the JSON decoder said.
func (e *Error) Unwrap() error { return e.Err }

// Message says what to do about the file.
func (e *Error) Message() platform.Message {
	m := platform.Message{Text: e.Error(), Reason: "helper-settings"}
	var refused *ownfile.Error
	var number syscall.Errno
	switch {
	case errors.As(e.Err, new(*ownfile.Locked)):
		m.Steps = authfile.Again(e.Err)
	case errors.As(e.Err, &refused), errors.As(e.Err, &number): // the system will refuse the next login too
		m.Steps = authfile.Elsewhere()
	case errors.Is(e.Err, ErrVersion): // logins of that version need the file
		m.Steps = []platform.Step{{Text: "Log out with the version of quay-keyless that logged in."}}
	default:
		m.Steps = []platform.Step{{Text: "Remove the file, and log in again:", Command: "rm " + platform.Operand(e.Path)}}
	}
	return m
}

// Find looks for the host in the settings in [Folders]. The first file that has it
// counts. The errors are [ErrNotFound], and an [*Error] for a file on the way that cannot
// be read, because it might have the host.
func Find(place lookup.Place, host string) (Settings, error) {
	for _, folder := range Folders(place) {
		path := filepath.Join(folder, FileName)
		text, err := read(place.Trust, path)
		if err != nil {
			return Settings{}, err
		}
		s, ok, err := settingsIn(text, host)
		if err != nil {
			return Settings{}, &Error{path, err}
		}
		if ok {
			return s, nil
		}
	}
	return Settings{}, ErrNotFound
}

// settingsIn are those for a host in a settings file's text, nil for no file.
func settingsIn(text []byte, host string) (Settings, bool, error) {
	c, err := parse(text)
	if err != nil {
		return Settings{}, false, err
	}
	return c.settings(host)
}

// read returns a settings file's text, nil if there is none. The error is an
// [*Error].
func read(trust ownfile.Trust, path string) ([]byte, error) {
	text, err := trust.Read(path, maxSettings)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return text, unreadable(path, err)
}

// unreadable is the error of a settings file that was not read.
func unreadable(path string, err error) error {
	var refused *ownfile.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Path == path:
		return &Error{path, predicate{refused}}
	case errors.As(err, &refused): // its folder
		return &Error{path, fmt.Errorf("cannot be used safely: %w", refused)}
	}
	return &Error{path, fmt.Errorf("is not readable: %w", errno.WithoutPath(err))}
}

// maxSettings is far above the settings of any number of hosts.
const maxSettings = 4 << 20

// Folders are where settings can be: beside the auth files that tools read here, links
// followed, in the tools' order.
func Folders(place lookup.Place) []string {
	var folders []string
	for _, path := range place.Paths() {
		file, err := authfile.Open(path, ownfile.Trust{}) // only for its path
		if err != nil {
			continue // the tools have no login there either
		}
		if folder := filepath.Dir(file.Path()); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// predicate is an error about a file without the words that name the file.
type predicate struct{ of *ownfile.Error }

func (p predicate) Error() string { return p.of.Predicate() }
func (p predicate) Unwrap() error { return p.of }
