// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/ownfile"
)

// credHelpers is the member of an auth file that names a program per host,
// docker-credential-NAME, which tools ask for the login (config.json of docker,
// containers-auth.json(5)).
const credHelpers = "credHelpers"

// OwnHelper is our credential helper, as credHelpers names it.
const OwnHelper = "quay-keyless"

// Set writes the entries, all or none, under one lock and in one write. A missing file is
// created, with its folders (0700). A file that is there keeps its mode, unless
// [File.SetMode] chose one, its owner and its group. What was there before is kept for
// [File.Restore]; over a login of ours, what was there before that one. If the record is
// damaged, it is what is there now.
//
// Set waits for other logins into this file until ctx ends. The error is an
// [*Error]; the file then holds what it held, unless Change.Writes says otherwise.
func (f *File) Set(ctx context.Context, entries ...Entry) (Change, error) {
	list, err := edits(entries)
	if err != nil || len(list) == 0 && f.start.Text == nil {
		return Change{}, located(f.path, err)
	}
	change, err := f.edit(ctx, func(text []byte, r record) []edit { return overHelpers(text, r, list) })
	return change, located(f.path, err)
}

// edits turns entries into what is to be written.
func edits(entries []Entry) ([]edit, error) {
	seen := map[string]bool{}
	list := make([]edit, 0, len(entries))
	for _, entry := range entries {
		if err := entry.validate(); err != nil {
			return nil, because(BadEntry, err)
		}
		if seen[entry.Key] {
			return nil, because(BadEntry, fmt.Errorf("two logins for %s", entry.Key))
		}
		seen[entry.Key] = true
		list = append(list, edit{object: auths, key: entry.Key, org: entry.Org, value: entry.value(), hold: entry.Hold})
	}
	return list, nil
}

// overHelpers adds the removal of our own helper for the logins' hosts to logins, whether a
// login or the user put it there: a helper wins over a login in every tool, over HOST/ORG
// as well.
func overHelpers(text []byte, r record, list []edit) []edit {
	d, err := parse(text, credHelpers)
	if isReason(err, HelpersNotObject) {
		return list // it names no helper
	}
	for _, host := range hostsOf(list) {
		_, known := r.find(credHelpers, host)
		if known || err != nil || digest(d.get(host)) == digest(quote(OwnHelper)) {
			list = append(list, edit{object: credHelpers, key: host})
		}
	}
	return list
}

// hostsOf is the registries of edits, each once.
func hostsOf(list []edit) []string {
	var hosts []string
	for _, e := range list {
		if host := HostOf(e.key); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// SetHelper makes the tools ask [OwnHelper] for the logins of hosts (HOST[:PORT] each):
// all or none, under one lock and in one write. It removes a login that the file itself
// holds for a host, because docker uses that without a word if a helper fails.
// [File.Restore] restores both, as they were before our first login.
//
// SetHelper drops the holds of static logins on these hosts, and Set drops those of
// helper logins: neither can be restored.
//
// All else is as in [File.Set].
func (f *File) SetHelper(ctx context.Context, hold Hold, hosts ...string) (Change, error) {
	list, err := helperEdits(hold, hosts)
	if err != nil {
		return Change{}, located(f.path, err)
	}
	change, err := f.edit(ctx, func([]byte, record) []edit { return list })
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

// edit makes the edits that are due, until the file holds every one.
func (f *File) edit(ctx context.Context, due func(text []byte, r record) []edit) (Change, error) {
	if _, err := f.look(); err != nil {
		return Change{}, err
	}
	if err := os.MkdirAll(f.dir(), 0o700); err != nil {
		return Change{}, because(FolderUncreatable, err)
	}
	var list []edit
	change, err := f.run(ctx, task{
		ahead: true,
		first: func(text []byte, r record) ([]byte, record, error) {
			text, r, list = f.started(text, r, due(text, r))
			return splice(text, r, list)
		},
		again: func(text []byte, r record) ([]byte, record, error) {
			if kept(text, r, list) {
				return text, r, nil
			}
			return splice(text, r, list)
		},
	})
	if info, unknown := os.Stat(f.path); unknown == nil && f.mode == 0 {
		_, _, known := ownfile.OwnerOf(info) // Windows' access lists decide
		change.Exposed = known && info.Mode().Perm()&0o004 != 0
	}
	return change, err
}

// started adds to the edits of a login what it copies, if it is the first one, or leaves out
// of what an earlier one copied.
func (f *File) started(text []byte, r record, list []edit) ([]byte, record, []edit) {
	for _, s := range r.Keys {
		if s.Copied && f.start.Drop != nil && f.start.Drop(s.copy()) {
			list = append(list, edit{object: s.Object, key: s.Key})
		}
	}
	if len(r.Keys) > 0 {
		return text, r, list
	}
	if text == nil && f.start.Text != nil {
		text, r.Created = f.start.Text, true
	}
	r.Folder = f.start.Folder
	var copies []edit
	for _, c := range f.start.Copies {
		copies = append(copies, edit{object: c.object(), key: c.Key, value: c.Value, copied: true})
	}
	return text, r, append(copies, list...)
}

// Helper returns the credential helper that tools ask for a host's login, "" if there is
// none, and whether a login of ours put it there. It does not lock. The error is an
// [*Error].
func (f *File) Helper(host string) (helper string, ours bool, err error) {
	now, err := f.look()
	if err != nil {
		return "", false, located(f.path, err)
	}
	d, err := parse(now.text, credHelpers)
	if err != nil {
		return "", false, located(f.path, err)
	}
	present := d.get(host)
	if present == nil {
		return "", false, nil
	}
	if err := json.Unmarshal(present, &helper); err != nil {
		return "", false, located(f.path, because(NotJSON, fmt.Errorf("the credential helper of %s is not text", host)))
	}
	_, r, _, err := f.load()
	known, _ := r.find(credHelpers, host)
	return helper, known.ours(present), located(f.path, err)
}

// HelperHeld reports whether tools ask [OwnHelper] for a host because of a login of this job.
func (f *File) HelperHeld(by, host string) bool {
	_, ours, _ := f.Helper(host)
	_, r, _, err := f.load()
	known, _ := r.find(credHelpers, host)
	_, held := known.Holders[by]
	return ours && held && err == nil
}

// HelperBeside reports whether a login of ours in another auth file of the folder has
// tools ask [OwnHelper] for a host: then its settings, which the two share, are needed. A
// file that cannot be read may have such a login.
func (f *File) HelperBeside(host string) bool {
	entries, err := os.ReadDir(f.dir())
	return err != nil || slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		name, hidden := strings.CutPrefix(entry.Name(), ".")
		name, recorded := strings.CutSuffix(name, recordSuffix)
		if !hidden || !recorded || name == filepath.Base(f.path) {
			return false
		}
		other := &File{path: filepath.Join(f.dir(), name), trust: f.trust}
		_, ours, err := other.Helper(host)
		return ours || err != nil
	})
}
