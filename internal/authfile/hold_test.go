// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// noon is when the jobs of these tests begin; a robot token lives one hour.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// jobs is one auth file that several jobs use.
type jobs struct {
	testing.TB
	f *File
}

// in logs a job in, minutes after noon; its token is its name.
func (j jobs) in(job string, minutes int, keys ...string) Change {
	j.Helper()
	var entries []Entry
	for _, key := range keys {
		entry := login(key, job)
		entry.Hold = Hold{By: job, From: at(minutes), Until: at(minutes + 60)}
		entries = append(entries, entry)
	}
	return mustSet(j, j.f, entries...)
}

// helped logs a job in by helper, which ends with a logout alone.
func (j jobs) helped(job string, minutes int) {
	j.Helper()
	if _, err := j.f.Set(j.Context(), helps(Hold{By: job, From: at(minutes)}, host)...); err != nil {
		j.Fatal(err)
	}
}

// out is the job's logout.
func (j jobs) out(job string, minutes int, want ...string) {
	j.Helper()
	outcomes, _, err := j.f.Release(j.Context(), job, at(minutes), host)
	if err != nil {
		j.Fatal(err)
	}
	wantOutcomes(j, outcomes, want)
}

// has checks whose token the file has.
func (j jobs) has(job string) {
	j.Helper()
	want := string(login(host, job).value())
	if got := string(decode(j, []byte(read(j, j.f.Path())))[host]); strings.ReplaceAll(got, " ", "") != want {
		j.Errorf("the file has %s, not the login of %s", got, job)
	}
}

// back checks that nothing of ours is left.
func (j jobs) back() {
	j.Helper()
	wantText(j, j.f, before)
	wantNothingElse(j, j.f)
}

// What becomes of a key at a logout.
const held, restored = host + ": held", host + ": restored"

// overlaps are jobs that log in to one registry in one file at the same time.
var overlaps = map[string]func(j jobs){
	"the first ends first": func(j jobs) {
		j.in("a", 0, host)
		j.in("b", 10, host)
		j.out("a", 20, held)
		j.has("b")
		j.out("b", 30, restored)
	},
	"the second ends first": func(j jobs) {
		j.in("a", 0, host)
		j.in("b", 10, host)
		j.out("b", 20, held)
		j.has("b")
		j.out("a", 30, restored)
	},
	"a third begins after the first": func(j jobs) {
		j.in("a", 0, host)
		j.in("b", 10, host)
		j.out("a", 20, held)
		j.in("c", 25, host)
		j.out("b", 30, held)
		j.has("c")
		j.out("c", 40, restored)
	},
	"one logs in twice": func(j jobs) {
		j.in("a", 0, host)
		j.in("b", 10, host)
		j.in("a", 50, host)
		j.out("a", 60, held)
		j.has("a")
		j.out("b", 65, restored)
	},
	"one was killed, and its token has ended": func(j jobs) {
		j.in("killed", 0, host)
		j.in("a", 50, host)
		j.out("a", 60, restored)
	},
	"one was killed, and its token has not ended": func(j jobs) {
		j.in("killed", 0, host)
		j.in("a", 50, host)
		j.out("a", 59, held)
		j.in("b", 70, host)
		j.out("b", 71, restored)
	},
	"one was killed, and a logout without a name follows": func(j jobs) {
		j.in("killed", 0, host)
		j.in("a", 10, host)
		j.out("a", 20, held)
		mustRestore(j, j.f, nil, restored)
	},
	"a logout without a name ends them all": func(j jobs) {
		j.in("a", 0, host)
		j.in("b", 10, host)
		mustRestore(j, j.f, []string{host}, restored)
		j.out("a", 20, host+": unknown")
	},
	"a stranger's logout, while they run and afterwards": func(j jobs) {
		j.in("a", 0, host)
		j.out("stranger", 10, held)
		j.has("a")
		j.out("stranger", 60, restored)
	},
	"by helper": func(j jobs) {
		j.helped("a", 0)
		j.helped("b", 10)
		j.out("a", 500, held)
		if ours, _, err := j.f.Helper(host, ""); !ours || err != nil {
			j.Errorf("the tools ask ours: %t, %v", ours, err)
		}
		j.out("b", 510, restored)
	},
	"by helper after a token": func(j jobs) {
		j.in("a", 0, host)
		j.helped("b", 10)
		j.out("b", 20, restored)
	},
	"by helper after a token that another tool took out": func(j jobs) {
		j.in("a", 0, host)
		write(j, j.f.Path(), strings.Replace(before, `"quay.example":`, `"elsewhere":`, 1))
		j.helped("b", 10)
		j.out("b", 20, host+": removed")
		write(j, j.f.Path(), before)
	},
	"by token after a helper": func(j jobs) {
		j.helped("a", 0)
		j.in("b", 10, host)
		j.out("a", 20, held)
		j.has("b")
		j.out("b", 30, restored)
	},
}

// TestJobsThatOverlap wants the file back as it was before the first of them.
func TestJobsThatOverlap(t *testing.T) {
	for name, run := range overlaps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := jobs{t, tempFile(t, before)}
			run(j)
			j.back()
		})
	}
}

// What another tool wrote over a job's login is what comes back, as soon as those
// who logged in after it are gone.
func TestOverlapWithAnotherTool(t *testing.T) {
	foreign := strings.Replace(before, "b2xk", "cG9k", 1)
	if foreign == before {
		t.Fatal("the other tool changes nothing")
	}
	j := jobs{t, tempFile(t, before)}
	j.in("a", 0, host)
	write(t, j.f.Path(), foreign)
	j.in("b", 10, host)
	j.out("b", 20, host+": restored")
	wantText(t, j.f, foreign)
	j.out("a", 30, host+": unknown")
	wantText(t, j.f, foreign)

	j.in("a", 40, host)
	j.in("b", 50, host)
	write(t, j.f.Path(), before)
	j.out("a", 55, host+": held")
	j.out("b", 56, host+": not ours")
	j.back()
}

// A registry stands for its organizations: each is held for itself.
func TestOverlapOfOrganizations(t *testing.T) {
	j := jobs{t, tempFile(t, before)}
	j.in("a", 0, host, host+"/acme")
	j.in("b", 10, host+"/acme", host+"/other")
	j.out("a", 20, host+": restored", host+"/acme: held", host+"/other: held")
	j.out("b", 30, host+": unknown", host+"/acme: removed", host+"/other: removed")
	j.back()
}

// A job's logout of the registry leaves the helper that another job's login removed.
func TestOverlapOfAnOrganizationOverAHelper(t *testing.T) {
	j := jobs{t, tempFile(t, before)}
	j.helped("a", 0)
	j.in("b", 10, host+"/acme")
	j.out("a", 20, host+": restored", host+"/acme: held")
	if helper := helpers(t, []byte(read(t, j.f.Path())))[host]; helper != "" {
		t.Errorf("the helper is %q", helper)
	}
	j.out("b", 30, host+": gone", host+"/acme: removed")
	j.back()
}

// Jobs that never log out leave nothing in the record that grows.
func TestTheDeadAreForgotten(t *testing.T) {
	j := jobs{t, tempFile(t, before)}
	for i := range 10 {
		j.in(fmt.Sprint("killed ", i), 60*i, host)
	}
	_, r, _, err := j.f.load()
	if err != nil {
		t.Fatal(err)
	}
	if known, _ := r.find(auths, host); len(known.Holders) != 1 {
		t.Errorf("the record knows %d holders: %v", len(known.Holders), known.Holders)
	}
}

// A token that says that it is good for years holds its key for a day.
func TestHoldsEndAfterADay(t *testing.T) {
	j := jobs{t, tempFile(t, before)}
	entry := login(host, "killed")
	entry.Hold = Hold{By: "killed", From: at(0), Until: at(60 * 24 * 365)}
	mustSet(t, j.f, entry)
	j.out("next", 60*24-1, host+": held")
	j.out("next", 60*24, host+": restored")
	j.back()
}

// A job that is killed between the record and the auth file holds what was there
// before it, until its token would have ended.
func TestRecordOfAJobAheadOfTheFile(t *testing.T) {
	j := jobs{t, tempFile(t, before)}
	j.in("a", 0, host)
	l, err := j.f.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := []edit{{object: auths, key: host, value: login(host, "killed").value(), hold: Hold{"killed", at(10), at(70)}}}
	_, next, err := splice([]byte(read(t, j.f.Path())), l.record, list)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.save(next); err != nil {
		t.Fatal(err)
	}
	l.release()
	j.has("a")
	j.out("a", 20, host+": held")
	j.has("a")
	j.out("next", 70, host+": restored")
	j.back()
}
