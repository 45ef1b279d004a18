// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/ownfile"
)

// contents is what tools read in an auth file, decoded as they do it, so that what stops
// them stops us. It holds no secret.
type contents struct {
	Auths map[string]struct {
		Auth credential `json:"auth"`
		// podman stops where this is not a string, too.
		IdentityToken credential `json:"identitytoken"`
	} `json:"auths"`
	Helpers map[string]string `json:"credHelpers"`
	Store   any               `json:"credsStore"` // docker's alone: of any type
}

// credential says how complete an entry's "auth" is.
type credential int

const (
	none        credential = iota // missing or empty, as docker leaves it beside a store
	whole                         // user and password
	colonless                     // base64 of something else
	undecodable                   // not base64
)

// UnmarshalText looks at the text and keeps none of it.
func (c *credential) UnmarshalText(text []byte) error {
	decoded, err := base64.StdEncoding.DecodeString(string(text))
	switch {
	case err != nil:
		*c = undecodable
	case bytes.ContainsRune(decoded, ':'):
		*c = whole
	case len(decoded) > 0:
		*c = colonless
	default:
		*c = none
	}
	return nil
}

// answers reports whether podman, buildah and skopeo look no further: they take
// the login, or stop at it. Otherwise they go on with the next file.
func (c credential) answers() bool { return c == whole || c == undecodable }

// broken reports whether docker's family takes the file for a bad one.
func (c credential) broken() bool { return c == colonless || c == undecodable }

// look reads any user's auth file. A missing one holds nothing. The file is nil if the path
// is a loop of links. The error is an [*Error].
func look(path string, trust ownfile.Trust) (*File, contents, error) {
	file, err := Open(path, trust)
	if err != nil {
		return nil, contents{}, err
	}
	text, err := readAny(file.path, maxFile)
	if err != nil || text == nil {
		return file, contents{}, located(file.path, err)
	}
	all, err := decodeContents(text)
	return file, all, located(file.path, err)
}

// decodeContents reads an auth file's text. The error's text tells none of it.
func decodeContents(data []byte) (contents, error) {
	if err := validate(data); err != nil {
		return contents{}, err
	}
	var all contents
	err := json.Unmarshal(data, &all)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return contents{}, because(Other, fmt.Errorf("the value before byte %d has a type that no tool reads", wrong.Offset))
	} else if err != nil {
		return contents{}, because(NotJSON, err)
	}
	return all, nil
}

// answers reports whether podman, buildah or skopeo find something in this file for an
// image under one of the keys: a login under or above the key, or our helper.
func (c contents) answers(keys []string) bool {
	for name, entry := range c.Auths {
		if entry.Auth.answers() && slices.ContainsFunc(keys, func(key string) bool { return covers(name, key) }) {
			return true
		}
	}
	return slices.ContainsFunc(hosts(keys), func(host string) bool { return c.Helpers[host] == OwnHelper })
}

// covers reports whether containers/image uses the login under name for key: name is the
// key, is above it, or is a URL of its host with any path.
func covers(name, key string) bool {
	if name == key || strings.HasPrefix(key, name+"/") {
		return true
	}
	bare := strings.TrimPrefix(strings.TrimPrefix(name, "http://"), "https://")
	if bare == name {
		return false
	}
	return HostOf(bare) == HostOf(key)
}

// variableConflicts is the keys in the text of DOCKER_AUTH_CONFIG under which
// docker or crane would take a login. They ask for the bare host, crane for the
// repository too, and for no other form. A text that is not understood has none:
// docker says so and reads the file.
func variableConflicts(text string, keys []string) []string {
	all, err := decodeContents([]byte(text))
	if err != nil {
		return nil
	}
	var found []string
	for _, host := range hosts(keys) {
		if _, ok := all.Auths[host]; ok {
			found = append(found, host)
		}
	}
	for _, c := range all.conflicts(keys, true, false) {
		if c.Kind == NarrowerKey {
			found = append(found, c.Key)
		}
	}
	return found
}
