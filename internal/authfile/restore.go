// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
)

// Result is what became of a key on [File.Restore].
type Result string

// The results.
const (
	Restored Result = "restored" // what was there before our login is there again
	Removed  Result = "removed"  // our login is out; there was nothing before it
	NotOurs  Result = "not ours" // another tool replaced our login: left alone
	Gone     Result = "gone"     // our login was taken out by somebody else
	Nothing  Result = "nothing"  // there is nothing under the key, and never was of ours
	Held     Result = "held"     // others need our login: left alone
	// Unknown: nothing is recorded for the key, so whether the entry there is
	// ours cannot be known: left alone. It was put back before, or the state
	// file was removed or damaged, or there never was a login.
	Unknown Result = "unknown"
)

// Outcome is the result for one key.
type Outcome struct {
	Key    string
	Result Result
}

// Restore puts back what was under the keys before our logins, byte for byte,
// where the present value is still ours. A key HOST stands for HOST/ORG too. Without
// keys it does so for all that the state knows, in the order of their names. A file
// that Set created stays, with no login in it: the environment may name it, and podman
// stops at a missing file.
//
// It can be called again and again; a key that is done is [Unknown] or [Nothing]
// afterwards. The error is an [*Error]; then nothing was put back, and the state
// still knows what was there.
func (f *File) Restore(ctx context.Context, keys ...string) ([]Outcome, Change, error) {
	outcomes, change, err := f.restore(ctx, keys, nobodyStays)
	return outcomes, change, located(f.path, err)
}

// Release is [File.Restore] for one of several who may hold the keys: those that others
// hold, by a login that is of use now, are [Held], and left as they are. The last to be
// released has all put back.
func (f *File) Release(ctx context.Context, by string, now time.Time, keys ...string) ([]Outcome, Change, error) {
	outcomes, change, err := f.restore(ctx, keys, func(s state, keys []string) (state, []string) {
		s = s.released(by, now, keys)
		return s, slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !s.held(key) })
	})
	return outcomes, change, located(f.path, err)
}

// nobodyStays is the leaving of all.
func nobodyStays(s state, _ []string) (state, []string) { return s, nil }

// restore puts the keys back that nobody holds once those are gone whom leave takes
// out of the state; leave also gives the keys that others hold.
func (f *File) restore(ctx context.Context, keys []string, leave func(state, []string) (state, []string)) ([]Outcome, Change, error) {
	if _, err := os.Lstat(f.statePath()); errors.Is(err, fs.ErrNotExist) {
		outcomes, err := f.unknown(keys)
		return outcomes, Change{}, err
	}
	l, err := f.acquire(ctx)
	if err != nil {
		return nil, Change{}, err
	}
	defer l.release()
	keys = l.state().expand(keys)
	left, held := leave(l.state(), keys)
	keys = slices.DeleteFunc(keys, func(key string) bool { return slices.Contains(held, key) })
	outcomes, change, err := f.takeBack(ctx, l, keys)
	if err != nil {
		return nil, change, err
	}
	for _, key := range held {
		outcomes = append(outcomes, Outcome{key, Held})
	}
	return outcomes, change, l.save(left.without(auths, keys).without(credHelpers, keys))
}

// unknown says what there is under the keys when there is no state at all.
func (f *File) unknown(keys []string) ([]Outcome, error) {
	text, err := f.read()
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		keys = suspects(text)
	}
	_, outcomes, err := unsplice(text, state{}, keys)
	return outcomes, err
}

// suspects are the keys under which something lies that a login of ours could
// have left: our helper, or a JWT for a password.
func suspects(text []byte) []string {
	var held struct {
		Auths map[string]struct {
			Auth []byte `json:"auth"`
		} `json:"auths"`
		Helpers map[string]string `json:"credHelpers"`
	}
	if json.Unmarshal(text, &held) != nil {
		return nil
	}
	keys := map[string]bool{}
	for key, entry := range held.Auths {
		if _, password, _ := bytes.Cut(entry.Auth, []byte(":")); bytes.HasPrefix(password, []byte("eyJ")) {
			keys[key] = true
		}
	}
	for key, helper := range held.Helpers {
		if helper == OwnHelper {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// takeBack writes until no value of ours is left under the keys.
func (f *File) takeBack(ctx context.Context, l *lock, keys []string) ([]Outcome, Change, error) {
	change := Change{StateLost: l.lost}
	var first []Outcome
	var wrote []byte
	for {
		old, err := f.read()
		if err != nil {
			return nil, change, err
		}
		if wrote != nil && bytes.Equal(old, wrote) {
			return first, change, nil
		}
		text, outcomes, err := unsplice(old, l.state(), keys)
		if first == nil {
			first = outcomes
		}
		if err != nil || bytes.Equal(text, old) {
			return first, change, err
		}
		if err := change.another(ctx); err != nil {
			return nil, change, err
		}
		if err := f.writeOnce(&change, old, text); err != nil {
			return nil, change, err
		}
		wrote = text
	}
}

// unsplice works out the file's text without our logins under the keys. A text
// without any comes back unchanged.
func unsplice(text []byte, s state, keys []string) ([]byte, []Outcome, error) {
	outcomes := make([]Outcome, 0, len(keys))
	for _, key := range keys {
		outcome := Outcome{Key: key, Result: Nothing}
		for _, object := range objects {
			next, result, err := unspliceKey(text, object, s.Objects[object], key)
			if err != nil {
				return nil, nil, err
			}
			text, outcome.Result = next, outcome.Result.and(result)
		}
		outcomes = append(outcomes, outcome)
	}
	return text, outcomes, nil
}

// and is the result for a key that two objects have: the one to know of.
func (r Result) and(other Result) Result {
	for _, result := range []Result{NotOurs, Restored, Removed, Unknown, Gone} {
		if r == result || other == result {
			return result
		}
	}
	return Nothing
}

func unspliceKey(text []byte, object string, part section, key string) ([]byte, Result, error) {
	known, ok := part.Keys[key]
	absent := Nothing
	if ok {
		absent = Gone
	}
	if text == nil {
		return nil, absent, nil
	}
	d, err := parse(text, object)
	if err != nil && !ok && object != auths {
		return text, absent, nil // it concerns nobody here
	} else if err != nil {
		return nil, "", err
	}
	present := d.get(key)
	switch {
	case present == nil && known.ours(nil) && known.Old != nil:
		text, err = unpark(text, object, key, known)
		return text, Restored, err
	case present == nil:
		return text, absent, nil
	case !ok:
		return text, Unknown, nil
	case bytes.Equal(present, known.Old):
		return text, Restored, nil
	case !known.ours(present):
		return text, NotOurs, nil
	case known.Old == nil:
		text, err = d.remove(key, part.Was)
		return text, Removed, err
	case known.Parked != nil:
		if text, err = d.remove(key, part.Was); err == nil {
			text, err = unpark(text, object, key, known)
		}
		return text, Restored, err
	}
	return d.put(key, known.Old), Restored, nil
}
