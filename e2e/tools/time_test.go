// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"slices"
	"testing"
	"time"
)

// A login step right after another one takes as long as a lone one. This prints the
// times, because a limit would depend on the machine: the median of each kind, measured in
// turns. After a podman login ours waits, because podman may still write.
func TestTimeOfALoginAfterAnother(t *testing.T) {
	p := newPlaces(t)
	kinds := []struct {
		name   string
		before func(j *job)
	}{
		{"alone", func(*job) {}},
		{"after our login to the same registry", func(j *job) { j.login(t, p.host(here)) }},
		{"after our login to another registry", func(j *job) { j.login(t, p.host(elsewhere)) }},
		{"after podman login", func(j *job) { neighbours[0].login(t, j, p) }},
	}
	const turns = 9
	times := make([][]time.Duration, len(kinds))
	for range turns {
		for i, kind := range kinds {
			j := starts[0].job(t, p)
			kind.before(j)
			begin := time.Now()
			j.login(t, p.host(here))
			times[i] = append(times[i], time.Since(begin))
		}
	}
	for i, kind := range kinds {
		slices.Sort(times[i])
		t.Logf("%4d ms (%d to %d): a login %s", times[i][turns/2].Milliseconds(), times[i][0].Milliseconds(), times[i][turns-1].Milliseconds(), kind.name)
	}
}
