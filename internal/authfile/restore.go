// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Result is what happened to a key in [File.Restore].
type Result string

// The results.
const (
	Restored Result = "restored" // what was there before our login is there again
	Removed  Result = "removed"  // our login was removed; there was nothing before it
	NotOurs  Result = "not ours" // another tool replaced our login: left alone
	Gone     Result = "gone"     // another tool removed our login
	Nothing  Result = "nothing"  // there is nothing under the key, and never was of ours
	Held     Result = "held"     // other jobs need our login: left alone
	Unknown  Result = "unknown"  // the record does not have the key, so the entry may be ours or not, and stays
)

// Outcome is the result for one key.
type Outcome struct {
	Key    string
	Result Result
}

// and is the result for a key that two objects have: the one that matters more.
func (r Result) and(other Result) Result {
	for _, result := range []Result{NotOurs, Restored, Removed, Unknown, Gone} {
		if r == result || other == result {
			return result
		}
	}
	return Nothing
}

// Restore puts back what was under the keys before our logins, if the present value is
// still ours. A key HOST stands for HOST/ORG too, and no key for all that the record
// knows. A file that Set created goes if nothing else is in it, unless [File.Keep] is set.
// If other tools are at work, it looks again later, and removes our login if one of them
// wrote it back. The error is an [*Error]; then the record still knows what was there.
func (f *File) Restore(ctx context.Context, keys ...string) ([]Outcome, Change, error) {
	outcomes, change, err := f.restore(ctx, keys, func(s *saved) { s.Holders = nil })
	return outcomes, change, located(f.path, err)
}

// Release is [File.Restore] for one of several jobs that may hold the keys. Keys that
// another job needs are [Held] and stay. The last job restores them all.
func (f *File) Release(ctx context.Context, by string, now time.Time, keys ...string) ([]Outcome, Change, error) {
	outcomes, change, err := f.restore(ctx, keys, func(s *saved) { s.release(by, now) })
	return outcomes, change, located(f.path, err)
}

// restore puts back the keys that no job holds after leave.
func (f *File) restore(ctx context.Context, keys []string, leave func(*saved)) ([]Outcome, Change, error) {
	if recorded, err := f.recorded(ctx); err != nil {
		return nil, Change{}, err
	} else if !recorded {
		outcomes, err := f.unknown(keys)
		return outcomes, Change{}, err
	}
	var outcomes []Outcome
	var all, gone record // what the record knew, and what it knew of the keys that were put back
	broughtBack := false
	var folder *Folder
	left := func(text []byte, r record, err error) ([]byte, record, error) {
		return f.rest(text, all.Created && len(r.Keys) == 0, folder != nil), r, err
	}
	change, err := f.run(ctx, task{
		first: func(text []byte, r record) ([]byte, record, error) {
			about := r.expand(keys)
			all = r.left(about, leave)
			stays := all.staying(about)
			if !slices.ContainsFunc(all.Keys, func(s saved) bool { return !s.Copied && stays(s) }) {
				stays, folder = func(saved) bool { return false }, r.Folder
			}
			base, r, err := all.strip(text, all)
			if err != nil {
				return nil, record{}, err
			}
			gone = r.only(func(s saved) bool { return !stays(s) })
			if outcomes, err = gone.outcomes(text, about, all.needed); err != nil || len(gone.Keys) == 0 {
				return text, r, err
			}
			return left(r.only(stays).apply(base))
		},
		again: func(text []byte, r record) ([]byte, record, error) {
			// A login of ours that came since is in the record, and stays.
			stays := func(s saved) bool { _, known := r.find(s.Object, s.Key); return known }
			late := func(s saved) bool { return !stays(s) }
			known := r
			known.Keys = slices.Concat(r.Keys, gone.only(late).Keys)
			base, known, err := known.strip(text, all)
			if err != nil {
				return nil, record{}, err
			}
			// What the first look put back, another tool may have removed.
			if !slices.ContainsFunc(known.Keys, func(s saved) bool { return late(s) && s.active && s.value != nil }) {
				return text, r, nil
			}
			broughtBack = true
			return left(known.only(stays).apply(base))
		},
	})
	if err != nil {
		outcomes = nil
	}
	change.BroughtBack, change.Folder = broughtBack, folder
	return outcomes, change, err
}

// left is a copy of r after leave for these keys.
func (r record) left(keys []string, leave func(*saved)) record {
	r.Keys = slices.Clone(r.Keys)
	for i := range r.Keys {
		if slices.Contains(keys, r.Keys[i].Key) {
			leave(&r.Keys[i])
		}
	}
	return r
}

// rest is what stays of a text from which our logins are gone: nil, so no file, if we
// created the file, nothing else is in it, and it need not be kept. An isolated file's
// settings were copied, so they go too.
func (f *File) rest(text []byte, created, isolated bool) []byte {
	var all map[string]json.RawMessage
	if !created || json.Unmarshal(text, &all) != nil {
		return text
	}
	for name, value := range all {
		var object map[string]json.RawMessage
		logins := strings.EqualFold(name, auths) || strings.EqualFold(name, credHelpers)
		if err := json.Unmarshal(value, &object); (err != nil || len(object) > 0) && (logins || !isolated) {
			return text
		}
	}
	if !f.Keep {
		return nil
	} else if isolated {
		return emptyFile
	}
	return text
}

// recorded reports whether there is a record. A lock without one is of a login that has
// just begun, or was killed; what a killed one left goes.
func (f *File) recorded(ctx context.Context) (bool, error) {
	if _, err := os.Lstat(f.recordPath()); !errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if _, err := os.Lstat(f.lockPath()); err != nil {
		return false, nil
	}
	l, err := f.acquire(ctx)
	if isReason(err, Locked) {
		return false, err
	} else if err != nil {
		return false, nil // another user's lock: there is no record to undo
	}
	defer l.release()
	return l.file.text != nil, nil
}

// outcomes says what became of the keys, with those that other jobs need at the end.
func (r record) outcomes(text []byte, keys []string, needed func(key string) bool) (outcomes []Outcome, err error) {
	var held []Outcome
	for _, key := range keys {
		if needed(key) {
			held = append(held, Outcome{key, Held})
			continue
		}
		result := Result("")
		for _, s := range r.Keys {
			if s.Key == key {
				result = result.and(s.found)
			}
		}
		if result == "" { // the record does not have it
			if result, err = presence(text, key); err != nil {
				return nil, err
			}
		}
		outcomes = append(outcomes, Outcome{key, result})
	}
	return append(outcomes, held...), nil
}

// presence is the result for a key that the record does not have.
func presence(text []byte, key string) (Result, error) {
	for _, object := range objects {
		if d, err := parse(text, object); err != nil || d.find(key) >= 0 {
			return Unknown, err
		}
	}
	return Nothing, nil
}

// unknown says what there is under the keys if there is no record at all.
func (f *File) unknown(keys []string) ([]Outcome, error) {
	now, err := f.look()
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		keys = suspects(now.text)
	}
	return record{}.outcomes(now.text, keys, record{}.needed)
}

// suspects are the keys that a login of ours could have left: with our helper, or a JWT
// as the password.
func suspects(text []byte) (keys []string) {
	logins, _ := parse(text, auths)
	for _, m := range logins.inner.members {
		var entry struct{ Auth []byte }
		_ = json.Unmarshal(logins.get(m.key), &entry)
		if _, password, _ := bytes.Cut(entry.Auth, []byte(":")); bytes.HasPrefix(password, []byte("eyJ")) {
			keys = append(keys, m.key)
		}
	}
	helpers, _ := parse(text, credHelpers)
	for _, m := range helpers.inner.members {
		if digest(helpers.get(m.key)) == digest(Quote(OwnHelper)) {
			keys = append(keys, m.key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
