// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"encoding/json"
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

// Settings are what an exchange for one host needs. One of Source, File and Variable is
// set. A new field also needs ToSettings and FromSettings in package login.
type Settings struct {
	Registry string `json:"registry"` // as the user wrote it, perhaps with http://
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

// UnmarshalJSON reads settings. What is left out is safe.
func (s *Settings) UnmarshalJSON(text []byte) error {
	type plain Settings
	*s = Settings{TLSVerify: true}
	return json.Unmarshal(text, (*plain)(s))
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

// FileName is the settings file's name. The file is beside an auth file.
const FileName = "quay-keyless.json"

// version is the one that this program writes and understands.
const version = 1

// maxSettings is far above the settings of any number of hosts.
const maxSettings = 4 << 20

// content is a settings file.
type content struct {
	Version  int                 `json:"version"`
	Hosts    map[string]Settings `json:"hosts"`
	Programs []Installed         `json:"programs,omitempty"` // where the program was put for the hosts
}

// errVersion is the error of settings that another version of this program wrote.
var errVersion = fmt.Errorf("this program knows %d", version)

// parse reads a settings file; nil is a missing one.
func parse(text []byte) (c content, err error) {
	if text == nil {
		return content{Version: version, Hosts: map[string]Settings{}}, nil
	}
	var is struct{ Version int }
	if err := json.Unmarshal(text, &is); err != nil {
		return c, fmt.Errorf("is no JSON object: %w", err)
	}
	switch is.Version {
	case 0:
		return c, errors.New("has no version")
	case version:
	default:
		return c, fmt.Errorf("is of version %d, and %w", is.Version, errVersion)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("cannot be read: %w", err)
	}
	if c.Hosts == nil {
		return c, errors.New(`has no object "hosts"`)
	}
	return c, nil
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
	switch {
	case errors.As(e.Err, new(*ownfile.Locked)):
		m.Steps = authfile.Again()
	case errors.As(e.Err, new(*ownfile.Error)), errors.As(e.Err, new(syscall.Errno)): // the next login fails too
		m.Steps = authfile.Elsewhere()
	case errors.Is(e.Err, errVersion): // logins of that version need the file
		m.Steps = []platform.Step{{Text: "Log out with the version of quay-keyless that logged in."}}
	default:
		m.Steps = []platform.Step{{Text: "Remove the file, and log in again:", Command: "rm " + platform.Operand(e.Path)}}
	}
	return m
}

// fault is the error of a file that the system, or its owner, keeps from being used.
func fault(path, what string, err error) error {
	if refused := (*ownfile.Error)(nil); errors.As(err, &refused) {
		if refused.Path == path {
			return &Error{path, predicate{refused}}
		}
		return &Error{path, fmt.Errorf("cannot be used safely: %w", refused)} // its folder
	}
	return &Error{path, fmt.Errorf("%s: %w", what, errno.WithoutPath(err))}
}

// predicate is an error about a file without the words that name the file.
type predicate struct{ of *ownfile.Error }

func (p predicate) Error() string { return p.of.Predicate() }
func (p predicate) Unwrap() error { return p.of }

// read reads a settings file and returns its text and what it holds. Without a file the
// text is nil. The error is an [*Error].
func read(trust ownfile.Trust, path string) ([]byte, content, error) {
	text, err := trust.Read(path, maxSettings)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		text, err = nil, nil
	}
	if err != nil {
		return nil, content{}, fault(path, "is not readable", err)
	}
	c, err := parse(text)
	if err != nil {
		return nil, content{}, &Error{path, err}
	}
	return text, c, nil
}

// Find looks for the host in the settings in [Folders]. The first file that has it
// counts. The errors are [ErrNotFound], and an [*Error] for a file on the way that cannot
// be read, because it might have the host.
func Find(place lookup.Place, host string) (Settings, error) {
	for _, folder := range Folders(place) {
		path := filepath.Join(folder, FileName)
		_, c, err := read(place.Trust, path)
		if err != nil {
			return Settings{}, err
		}
		if settings, found := c.Hosts[host]; found {
			if err := settings.validate(); err != nil {
				return Settings{}, &Error{path, fmt.Errorf("is wrong for %s: it %w", host, err)}
			}
			return settings, nil
		}
	}
	return Settings{}, ErrNotFound
}

// Folders are where settings can be: beside the auth files that tools read here, links
// followed, in the tools' order.
func Folders(place lookup.Place) []string {
	var folders []string
	for _, file := range place.Read() {
		if folder := filepath.Dir(file.Path()); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}
