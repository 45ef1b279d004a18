// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// credHelpers is the member of an auth file that names a program per host,
// docker-credential-NAME, which tools ask for the login (config.json of docker,
// containers-auth.json(5)).
const credHelpers = "credHelpers"

// objects are those that we write into, in the order in which they are put back.
var objects = []string{credHelpers, auths}

// emptyFile is a new auth file without logins.
var emptyFile = []byte("{\n\t\"auths\": {}\n}\n")

// OwnHelper is our credential helper, as credHelpers names it.
const OwnHelper = "quay-keyless"

// SetHelper makes the tools ask [OwnHelper] for the hosts' logins, HOST[:PORT]
// each, all or none, under one lock and in one write. A login in the file itself is
// taken out where it has a host's key, since docker falls back to it without a word
// when a helper fails. Both are kept for [File.Restore]; over a login of ours, static
// or by helper, what was there before the first one.
//
// It ends the holds of static logins on these hosts, as a static login ends those of
// logins by helper: the helper's settings go with it, and a token cannot come back.
//
// All else is as for [File.Set]: a missing file is created, the mode is 0600
// afterwards, and the error is an [*Error].
func (f *File) SetHelper(ctx context.Context, hold Hold, hosts ...string) (Change, error) {
	list, err := helperEdits(hold, hosts)
	if err != nil {
		return Change{}, located(f.path, err)
	}
	change, err := f.setEdits(ctx, func(state) []edit { return list })
	return change, located(f.path, err)
}

// helperEdits is what SetHelper writes.
func helperEdits(hold Hold, hosts []string) ([]edit, error) {
	var list []edit
	for i, host := range hosts {
		switch {
		case host == "" || !printableASCII(host) || strings.Contains(host, "/"): // which tools never look up
			return nil, because(BadEntry, fmt.Errorf("%q is not a host", host))
		case slices.Contains(hosts[:i], host):
			return nil, because(BadEntry, fmt.Errorf("two helpers for %s", host))
		}
		list = append(list, edit{object: auths, key: host}, edit{object: credHelpers, key: host, value: quote(OwnHelper), hold: hold})
	}
	return list, nil
}

func printableASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// overHelpers adds to logins what takes our own helper for the same hosts out, be
// it of a login or of the user's making: a helper wins over a login in every tool.
func (f *File) overHelpers(s state, list []edit) []edit {
	d, err := f.helpers()
	if err != nil {
		return list // whatever is there names no helper; writing says what is wrong
	}
	for _, e := range slices.Clone(list) {
		_, known := s.Objects[credHelpers].Keys[e.key]
		if known || digest(d.get(e.key)) == digest(quote(OwnHelper)) {
			list = append(list, edit{object: credHelpers, key: e.key})
		}
	}
	return list
}

// CheckHelper is [File.Check] for [File.SetHelper].
func (f *File) CheckHelper() error {
	if err := f.check(); err != nil {
		return located(f.path, err)
	}
	_, err := f.helpers()
	return located(f.path, err)
}

// Helper gives the credential helper that tools ask for a host's login, "" where
// there is none, and whether a login of ours put it there. It takes no lock. The
// error is an [*Error].
func (f *File) Helper(host string) (helper string, ours bool, err error) {
	d, err := f.helpers()
	if err != nil || d.data == nil {
		return "", false, located(f.path, err)
	}
	present := d.get(host)
	if present == nil {
		return "", false, nil
	}
	if err := json.Unmarshal(present, &helper); err != nil {
		return "", false, located(f.path, because(NotJSON, fmt.Errorf("the credential helper of %s is no text", host)))
	}
	s, err := f.peek()
	return helper, s.Objects[credHelpers].Keys[host].ours(present), located(f.path, err)
}

// helpers looks into the file; the zero document means that there is none.
func (f *File) helpers() (document, error) {
	text, err := f.read()
	if err != nil || text == nil {
		return document{}, err
	}
	return parse(text, credHelpers)
}

// peek reads the state without its lock.
func (f *File) peek() (state, error) {
	if err := f.checkState(); err != nil {
		return state{}, err
	}
	data, err := f.stateTrust().Read(f.statePath(), maxState)
	if err != nil {
		return state{}, nil //nolint:nilerr // no state, as checkState found nothing wrong with it
	}
	r, _, err := parseState(data)
	return r.state, err
}
