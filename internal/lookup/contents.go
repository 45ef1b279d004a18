// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/ownfile"
)

// contents is what tools read in an auth file, decoded as they do it, so that what stops
// them stops us. It holds no secret.
type contents struct {
	Auths map[string]struct {
		Auth credential `json:"auth"`
		// podman stops if this is not a string, too.
		IdentityToken opaque `json:"identitytoken"`
	} `json:"auths"`
	Helpers map[string]string `json:"credHelpers"`
	Store   any               `json:"credsStore"` // docker's alone: of any type
}

// credential is what an entry's "auth" says without the password.
type credential struct {
	user  string
	whole bool // user and password
	wrong bool // something else, or not base64
	final bool // podman, buildah and skopeo look no further: they use it, or stop at it
}

// UnmarshalText keeps nothing of the password.
func (c *credential) UnmarshalText(text []byte) error {
	decoded, err := base64.StdEncoding.DecodeString(string(text))
	user, _, whole := bytes.Cut(decoded, []byte(":"))
	*c = credential{whole: err == nil && whole, wrong: err != nil || !whole && len(decoded) > 0}
	c.final = c.whole || err != nil
	if c.whole {
		c.user = string(user)
	}
	return nil
}

// opaque is a string that is not kept.
type opaque struct{}

// UnmarshalText keeps nothing.
func (opaque) UnmarshalText([]byte) error { return nil }

// look reads any user's auth file. A missing one holds nothing. The file is nil if the path
// is a loop of links. The error is an [*authfile.Error].
func look(path string, trust ownfile.Trust) (*authfile.File, contents, error) {
	file, err := authfile.Open(path, trust)
	if err != nil {
		return nil, contents{}, err
	}
	text, err := file.Text()
	if err != nil || text == nil {
		return file, contents{}, err
	}
	all, err := decode(text)
	if err != nil {
		return file, contents{}, &authfile.Error{Path: file.Path(), Err: err}
	}
	return file, all, nil
}

// decode reads an auth file's text. The error's text contains none of it.
func decode(data []byte) (contents, error) {
	var all contents
	err := json.Unmarshal(data, &all)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		err = fmt.Errorf("the value before byte %d has a type that no tool reads", wrong.Offset)
	}
	if err != nil {
		return contents{}, err
	}
	return all, nil
}

// answers reports whether podman, buildah or skopeo find something in this file for an
// image under one of the keys: a login under or above the key, or our helper.
func (c contents) answers(keys []Key) bool {
	for name, entry := range c.Auths {
		if entry.Auth.final && slices.ContainsFunc(keys, func(key Key) bool { return covers(name, key.String()) }) {
			return true
		}
	}
	return slices.ContainsFunc(keys, func(key Key) bool { return c.Helpers[key.Host] == authfile.OwnHelper })
}

// covers reports whether containers/image uses the login under name for key: name is the
// key, is above it, or is a URL of its host with any path.
func covers(name, key string) bool {
	if name == key || strings.HasPrefix(key, name+"/") {
		return true
	}
	bare := bareName(name)
	return bare != name && authfile.HostOf(bare) == authfile.HostOf(key)
}

// bareName is a key without the scheme that some tools write.
func bareName(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "http://"), "https://")
}

// user is whose login docker's tools use for a host; they prefer the bare name.
func (c contents) user(host string) (user string, found bool) {
	entry, found := c.Auths[host]
	return entry.Auth.user, found && entry.Auth.whole
}

// hosts are the registries for which the file has a login or a helper, sorted.
func (c contents) hosts() []string {
	var list []string
	for name, entry := range c.Auths {
		if entry.Auth.whole {
			list = append(list, authfile.HostOf(bareName(name)))
		}
	}
	for host := range c.Helpers {
		list = append(list, host)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// besides are the logins for organizations of our registries that are not the robots'.
func (c contents) besides(keys []Key) []string {
	var list []string
	for name, entry := range c.Auths {
		below := func(key Key) bool { return len(name) > len(key.Host)+1 && strings.HasPrefix(name, key.Host+"/") }
		ours := func(key Key) bool { return key.hiddenBy(name, true) }
		if entry.Auth.whole && slices.ContainsFunc(keys, below) && !slices.ContainsFunc(keys, ours) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// missing are the hosts of other that c has no login for, without those of keys.
func (c contents) missing(other contents, keys []Key) []string {
	here := c.hosts()
	return slices.DeleteFunc(other.hosts(), func(host string) bool {
		return slices.Contains(here, host) || slices.Contains(hosts(keys), host)
	})
}
