// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/ownfile"
)

// logins are what tools find in one auth file, or in several.
type logins struct {
	auths    map[string]entry
	helpers  map[string]string
	store    any                        // docker's credsStore, of any type
	settings map[string]json.RawMessage // what else the file has
}

// entry is one login.
type entry struct {
	raw json.RawMessage
	credential
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

func noLogins() logins {
	return logins{auths: map[string]entry{}, helpers: map[string]string{}, settings: map[string]json.RawMessage{}}
}

// look reads any user's auth file. A missing one holds nothing. The file is nil if the path
// is a loop of links. The error is an [*authfile.Error].
func look(path string, trust ownfile.Trust) (*authfile.File, logins, error) {
	file, err := authfile.Open(path, trust)
	if err != nil {
		return nil, noLogins(), err
	}
	text, err := file.Text()
	if err != nil || text == nil {
		return file, noLogins(), err
	}
	found, err := decode(text)
	if err != nil {
		return file, noLogins(), &authfile.Error{Path: file.Path(), Err: err}
	}
	return file, found, nil
}

// decode reads an auth file's text as tools do it, so that what stops them stops us. The
// error's text contains none of it.
func decode(text []byte) (logins, error) {
	var read struct {
		Auths map[string]struct {
			Auth          credential `json:"auth"`
			IdentityToken opaque     `json:"identitytoken"` // podman stops if it is not a string
		} `json:"auths"`
		Helpers map[string]string `json:"credHelpers"`
		Store   any               `json:"credsStore"`
	}
	var raw struct{ Auths map[string]json.RawMessage }
	found := noLogins()
	err := json.Unmarshal(text, &read)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		err = fmt.Errorf("the value before byte %d has a type that no tool reads", wrong.Offset)
	}
	if err != nil {
		return noLogins(), err
	}
	if err := errors.Join(json.Unmarshal(text, &raw), json.Unmarshal(text, &found.settings)); err != nil {
		return noLogins(), err
	}
	for name, value := range raw.Auths {
		found.auths[name] = entry{value, read.Auths[name].Auth}
	}
	maps.Copy(found.helpers, read.Helpers) // null is nothing
	found.store = read.Store
	maps.DeleteFunc(found.settings, func(name string, _ json.RawMessage) bool {
		return slices.ContainsFunc([]string{"auths", "credHelpers", "credsStore"}, func(read string) bool { return strings.EqualFold(name, read) })
	})
	return found, nil
}

// answers reports whether podman, buildah or skopeo find something in this file for an
// image under one of the keys: a login under or above the key, or our helper.
func (l logins) answers(keys keys) bool {
	for name, entry := range l.auths {
		if entry.final && slices.ContainsFunc(keys, func(key Key) bool { return covers(name, key.String()) }) {
			return true
		}
	}
	return slices.ContainsFunc(keys, func(key Key) bool { return l.helpers[key.Host] == authfile.OwnHelper })
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

// hosts are the registries for which the file has a login or a helper, sorted.
func (l logins) hosts() []string {
	var list []string
	for name, entry := range l.auths {
		if entry.whole {
			list = append(list, authfile.HostOf(bareName(name)))
		}
	}
	list = slices.AppendSeq(list, maps.Keys(l.helpers))
	slices.Sort(list)
	return slices.Compact(list)
}

// besides are the logins for organizations of our registries that are not the robots'.
func (l logins) besides(keys keys) []string {
	var list []string
	for name, entry := range l.auths {
		below := func(key Key) bool { return len(name) > len(key.Host)+1 && strings.HasPrefix(name, key.Host+"/") }
		if entry.whole && slices.ContainsFunc(keys, below) && !keys.hiddenBy(name, true) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// missing are the hosts of other that l has no login for, without those of keys.
func (l logins) missing(other logins, keys keys) []string {
	known := append(l.hosts(), keys.hosts()...)
	return slices.DeleteFunc(other.hosts(), func(host string) bool { return slices.Contains(known, host) })
}
