// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestEveryOrder walks through every order in which two jobs can log in, by token or
// by helper, and out, and compares who is logged in with a plain list of who should
// be. Whoever is last leaves the file as it was.
func TestEveryOrder(t *testing.T) {
	const steps = 5
	for _, text := range []string{before, beforeBoth, `{}`} {
		w := world{text: []byte(text), jobs: map[string]string{}}
		w.walk(t, []byte(text), nil, steps)
	}
}

// world is an auth file, its record, and the way in which each job is logged in.
type world struct {
	text   []byte
	record record
	jobs   map[string]string
}

func (w world) walk(t *testing.T, before []byte, path []string, steps int) {
	if steps == 0 || t.Failed() {
		return
	}
	for _, job := range []string{"a", "b"} {
		for _, way := range []string{"token", "helper", "out"} {
			next := w.step(t, job, way)
			path := append(slices.Clone(path), job+" "+way)
			if got := next.found(t); got != next.wanted() || len(next.jobs) == 0 && !bytes.Equal(next.text, before) {
				t.Errorf("%q after %q has %q", next.text, path, got)
				return
			}
			next.walk(t, before, path, steps-1)
		}
	}
}

func (w world) step(t *testing.T, job, way string) world {
	t.Helper()
	next := world{text: w.text, record: w.record, jobs: maps.Clone(w.jobs)}
	var err error
	if way == "out" {
		delete(next.jobs, job)
		next.record = w.record.left([]string{host}, func(s *saved) { s.release(job, noon) })
		if next.record.needed(host) {
			return next
		}
		next.text, _, err = unsplice(w.text, next.record)
		next.record = record{}
	} else {
		list, _ := edits(helps(Hold{By: job}, host))
		if way == "token" {
			list = []edit{{object: auths, key: host, value: login(host, job).value(), hold: Hold{By: job}}, {object: credHelpers, key: host}}
		}
		maps.DeleteFunc(next.jobs, func(_, other string) bool { return other != way })
		next.jobs[job] = way
		next.text, next.record, err = splice(w.text, w.record, list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// found is how the file logs tools in.
func (w world) found(t *testing.T) string {
	t.Helper()
	ways := map[string]bool{
		"token":  bytes.Contains(decode(t, w.text)[host], []byte("YWNtZStjaTp")),
		"helper": helpers(t, w.text)[host] == OwnHelper,
	}
	maps.DeleteFunc(ways, func(_ string, there bool) bool { return !there })
	return strings.Join(slices.Sorted(maps.Keys(ways)), ", ")
}

func (w world) wanted() string {
	for _, way := range w.jobs {
		return way
	}
	return ""
}

// Forty jobs hold one key, each for a while: none is ever without a login, and the
// last one puts the file back.
func TestParallelJobs(t *testing.T) {
	f := tempFile(t, before)
	each(t, func(i int) error {
		job := fmt.Sprint("job ", i)
		entry := login(host, job)
		entry.Hold = Hold{By: job, From: at(0), Until: at(60)}
		for range 3 {
			if _, err := f.Set(t.Context(), entry); err != nil {
				return err
			}
			if text := read(t, f.Path()); !json.Valid([]byte(text)) || strings.Contains(text, `"b2xk"`) {
				return fmt.Errorf("%s is logged out: %s", job, text)
			}
			if _, _, err := f.Release(t.Context(), job, at(30), host); err != nil {
				return err
			}
		}
		return nil
	})
	wantText(t, f, before)
	wantNothingElse(t, f)
}
