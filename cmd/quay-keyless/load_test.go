// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"flag"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/sandbox"
)

var jobs = flag.Int("jobs", 60, "how many jobs TestLoad starts, 500 in two minutes")

// A job each 240 ms, where the registry takes two in a second.
const (
	jobEvery  = 240 * time.Millisecond
	perSecond = 2
)

// TestLoad lets many jobs log in at a Quay that takes half as many exchanges in a
// second as they need. Each is logged in or ends with exit code 5 in its deadline,
// and they do not all come back at once.
func TestLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newMemory()
		trusted := newAuthority(t)
		box := network.serve(t, standIn, sandbox.Config{IssuerCA: []byte(trusted.pem())})
		front := network.listen(faultsHost)
		limit := &limiter{next: box.Handler(), seconds: map[int64]int{}}
		serveTLS(front, trusted.sign(t, faultsName, time.Hour), limit)

		ends := make([]jobEnd, *jobs)
		var all sync.WaitGroup
		for i := range ends {
			all.Go(func() {
				time.Sleep(time.Duration(i) * jobEvery)
				ends[i] = logInOnce(t, network, box, trusted.pem())
			})
		}
		all.Wait()
		network.close()
		expectLoad(t, ends, limit)
	})
}

// limiter answers 429 to exchanges beyond its number for a second, and notes how
// many came.
type limiter struct {
	next http.Handler

	mu      sync.Mutex
	seconds map[int64]int
}

func (l *limiter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == exchangePath {
		l.mu.Lock()
		l.seconds[time.Now().Unix()]++
		came := l.seconds[time.Now().Unix()]
		l.mu.Unlock()
		if came > perSecond {
			w.Header().Set("Retry-After", strconv.Itoa(2))
			http.Error(w, "too many", http.StatusTooManyRequests)
			return
		}
	}
	l.next.ServeHTTP(w, r)
}

// jobEnd is what became of a job.
type jobEnd struct {
	code int
	took time.Duration
	said string
}

func logInOnce(t *testing.T, network *memory, box *sandbox.Sandbox, ca string) jobEnd {
	env := inMemory(network, jobOf(box, false, ca), loginTo(filepath.Join(t.TempDir(), "auth.json"))...)
	start := time.Now()
	code, stdout, stderr := run(t, cli.Main, env)
	return jobEnd{code: code, took: time.Since(start), said: stdout + stderr}
}

// expectLoad holds the jobs to what each was promised, and all of them to what the
// registry may expect.
func expectLoad(t *testing.T, ends []jobEnd, limit *limiter) {
	t.Helper()
	in := 0
	for _, end := range ends {
		switch {
		case end.code == 0:
			in++
		case end.code != 5 || !strings.Contains(end.said, "[rate-limited]"):
			t.Errorf("exit code %d: %s", end.code, end.said)
		}
		if end.took > 90*time.Second {
			t.Errorf("it took %s", end.took)
		}
	}
	if in < len(ends)/3 {
		t.Errorf("%d of %d jobs are logged in", in, len(ends))
	}
	var counts []int
	for _, came := range limit.seconds {
		counts = append(counts, came)
	}
	slices.Sort(counts)
	// Four jobs start in a second, and each asks up to five times.
	if most := counts[len(counts)-1]; most > 40 {
		t.Errorf("%d exchanges in one second", most)
	}
	t.Logf("%d of %d jobs logged in, at most %d exchanges in a second", in, len(ends), counts[len(counts)-1])
}
