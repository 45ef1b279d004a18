// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
)

// view is what some tools see.
type view struct {
	settings map[string]json.RawMessage // of docker's file
	auths    map[string]json.RawMessage
	helpers  map[string]string
	variable map[string]json.RawMessage // of DOCKER_AUTH_CONFIG, which docker prefers to helpers and stores
}

func newView() view {
	return view{settings: map[string]json.RawMessage{}, auths: map[string]json.RawMessage{}, helpers: map[string]string{}}
}

// decode adds the text of an auth file.
func (v *view) decode(text []byte) error {
	err := json.Unmarshal(text, &v.settings)
	for name, value := range v.settings {
		switch {
		case strings.EqualFold(name, "auths"):
			err = errors.Join(err, json.Unmarshal(value, &v.auths))
		case strings.EqualFold(name, "credHelpers"):
			err = errors.Join(err, json.Unmarshal(value, &v.helpers))
		default:
			continue
		}
		delete(v.settings, name)
	}
	empty := newView() // null is nothing
	if v.auths == nil {
		v.auths = empty.auths
	}
	if v.helpers == nil {
		v.helpers = empty.helpers
	}
	return err
}

// add adds what tools find in a later file: what no earlier one answers.
func (v *view) add(later view) {
	answered := func(key string) bool {
		for name := range v.auths {
			if covers(name, key) {
				return true
			}
		}
		_, helped := v.helpers[authfile.HostOf(bareName(key))]
		return helped
	}
	auths := map[string]json.RawMessage{}
	for name, value := range later.auths {
		if !answered(name) {
			auths[name] = value
		}
	}
	for host, helper := range later.helpers {
		if !answered(host) {
			v.helpers[host] = helper
		}
	}
	maps.Copy(v.auths, auths)
}

// hostsOnly names each login as docker's tools find it: one for each host. They prefer
// HOST, and choose one of several HOST/ORG at random.
func (v *view) hostsOnly() {
	for _, name := range slices.Sorted(maps.Keys(v.auths)) {
		host, below, found := strings.Cut(name, "/")
		if !found || strings.Contains(name, "://") {
			continue
		}
		if _, known := v.auths[host]; !known && !strings.Contains(below, "//") {
			v.auths[host] = v.auths[name]
		}
		delete(v.auths, name)
	}
}

// forKeys leaves out what would hide our logins, or what they replace.
func (v *view) forKeys(keys []Key, names []string, image bool) {
	for i, key := range keys {
		delete(v.helpers, key.Host)
		maps.DeleteFunc(v.auths, func(name string, _ json.RawMessage) bool {
			return name == names[i] || key.hiddenBy(name, image) || names[i] == key.Host && !image && authfile.HostOf(bareName(name)) == key.Host
		})
	}
}

// store replaces docker's credential store by a helper for each registry that it lists,
// because it hides our login. It returns the name of a store that stays.
func (v *view) store(keys []Key, list func(string) ([]string, error)) (stays string) {
	var store string
	_ = json.Unmarshal(v.settings["credsStore"], &store)
	delete(v.settings, "credsStore")
	if store == "" {
		return ""
	}
	listed, err := []string(nil), fs.ErrInvalid
	if list != nil && !slices.Contains([]string{"ecr-login", "gcr", "gcloud", "acr-env", "acr-login"}, store) { // which make logins for hosts that they do not list
		listed, err = list(store)
	}
	if err != nil {
		v.settings["credsStore"] = quote(store)
		return store
	}
	for _, server := range listed {
		host := authfile.HostOf(bareName(server))
		if strings.HasPrefix(server, "https://index.docker.io/") {
			host = server // docker's name for Docker Hub
		}
		_, helped := v.helpers[host]
		if _, preferred := v.variable[host]; !helped && !preferred && !slices.Contains(hosts(keys), host) {
			v.helpers[host] = store
		}
	}
	return ""
}

// contents is what the view holds, without secrets.
func (v *view) contents() contents {
	text, err := json.Marshal(map[string]any{"auths": v.auths, "credHelpers": v.helpers})
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	all, _ := decode(text)
	return all
}

// start is the text of a new file, and the copied logins in it.
func (v *view) start() authfile.Start {
	settings := maps.Clone(v.settings)
	settings["auths"] = json.RawMessage("{}")
	text, err := json.MarshalIndent(settings, "", "\t")
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	start := authfile.Start{Text: append(text, '\n')}
	for _, key := range slices.Sorted(maps.Keys(v.auths)) {
		start.Copies = append(start.Copies, authfile.Copy{Key: key, Value: v.auths[key]})
	}
	for _, host := range slices.Sorted(maps.Keys(v.helpers)) {
		start.Copies = append(start.Copies, authfile.Copy{Helper: true, Key: host, Value: quote(v.helpers[host])})
	}
	return start
}

// quote is text as a JSON string.
func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // no string fails
	}
	return quoted
}
