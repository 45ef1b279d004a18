// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/ownfile"
)

// Set writes the entries, all or none, under one lock and in one write. A missing file is
// created, with its folders (0700). A file that is there keeps its mode, unless
// [File.Mode] is chosen, its owner and its group. What was there before is kept for
// [File.Restore]; over a login of ours, what was there before that one. If the record is
// damaged, it is what is there now.
//
// A helper replaces a login that the file itself holds for the host, because docker uses
// that without a word if a helper fails. A login replaces our own helper. Both drop the
// holds of what they replace, which cannot be restored.
//
// Set waits for other logins into this file until ctx ends. The error is an
// [*Error]; the file then holds what it held, unless Change.Writes says otherwise.
func (f *File) Set(ctx context.Context, entries ...Entry) (Change, error) {
	list, err := edits(entries)
	if err != nil || len(list) == 0 && f.Start.Text == nil {
		return Change{}, located(f.path, err)
	}
	change, err := f.set(ctx, list)
	return change, located(f.path, err)
}

// edits turns entries into what is to be written.
func edits(entries []Entry) (list []edit, err error) {
	for i, entry := range entries {
		if err := entry.validate(); err != nil {
			return nil, because(BadEntry, err)
		}
		if slices.ContainsFunc(entries[:i], func(other Entry) bool { return other.Key == entry.Key }) {
			return nil, because(BadEntry, fmt.Errorf("two logins for %s", entry.Key))
		}
		if entry.Helper {
			list = append(list, edit{object: auths, key: entry.Key},
				edit{object: credHelpers, key: entry.Key, value: Quote(OwnHelper), hold: entry.Hold})
			continue
		}
		list = append(list, edit{object: auths, key: entry.Key, org: entry.Org, value: entry.value(), hold: entry.Hold})
	}
	return list, nil
}

// set makes the edits, until the file holds every one.
func (f *File) set(ctx context.Context, list []edit) (Change, error) {
	if _, err := f.look(); err != nil {
		return Change{}, err
	}
	if err := os.MkdirAll(f.dir(), 0o700); err != nil {
		return Change{}, because(FolderUncreatable, err)
	}
	var due []edit
	change, err := f.run(ctx, task{
		ahead: true,
		first: func(text []byte, r record) ([]byte, record, error) {
			if err := checkText(text); err != nil {
				return nil, record{}, err
			}
			text, r, due = f.begin(text, r, overHelpers(text, r, list))
			return splice(text, r, due)
		},
		again: func(text []byte, r record) ([]byte, record, error) {
			if kept(text, r, due) {
				return text, r, nil
			}
			return splice(text, r, due)
		},
	})
	if info, unknown := os.Stat(f.path); unknown == nil && f.Mode == 0 {
		_, _, known := ownfile.OwnerOf(info) // Windows' access lists decide
		change.Exposed = known && info.Mode().Perm()&0o004 != 0
	}
	return change, err
}

// overHelpers adds the removal of our own helper for the logins' hosts, whether a login or
// the user put it there: a helper wins over a login in every tool, over HOST/ORG as well.
func overHelpers(text []byte, r record, list []edit) []edit {
	d, _ := parse(text, credHelpers)
	due := slices.Clone(list)
	for _, e := range list {
		host := HostOf(e.key)
		_, known := r.find(credHelpers, host)
		if e.object == auths && e.value != nil && (known || digest(d.get(host)) == digest(Quote(OwnHelper))) {
			due = append(due, edit{object: credHelpers, key: host})
		}
	}
	return due
}

// begin adds to the edits of a login what it copies, if it is the first one, or leaves out
// of what an earlier one copied.
func (f *File) begin(text []byte, r record, list []edit) ([]byte, record, []edit) {
	for _, s := range r.Keys {
		if s.Copied && f.Start.Drop != nil && f.Start.Drop(s.copy()) {
			list = append(list, edit{object: s.Object, key: s.Key})
		}
	}
	if len(r.Keys) > 0 {
		return text, r, list
	}
	if text == nil && f.Start.Text != nil {
		text, r.Created = f.Start.Text, true
	}
	r.Folder = f.Start.Folder
	var copies []edit
	for _, c := range f.Start.Copies {
		copies = append(copies, edit{object: c.object(), key: c.Key, value: c.Value, copied: true})
	}
	return text, r, append(copies, list...)
}

// Helper reports whether a login of ours has tools ask [OwnHelper] for a host, and whether
// it is one by this job. It does not lock. The error is an [*Error].
func (f *File) Helper(host, by string) (ours, held bool, err error) {
	now, err := f.look()
	if err != nil {
		return false, false, located(f.path, err)
	}
	d, err := parse(now.text, credHelpers)
	if err != nil {
		return false, false, located(f.path, err)
	}
	_, r, _, err := f.load()
	known, _ := r.find(credHelpers, host)
	present := d.get(host)
	ours = present != nil && known.ours(present)
	_, held = known.Holders[by]
	return ours, ours && held, located(f.path, err)
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
		ours, _, err := (&File{path: filepath.Join(f.dir(), name), trust: f.trust}).Helper(host, "")
		return ours || err != nil
	})
}
