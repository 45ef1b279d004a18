// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A robot token that says it lives for years counts for a day in all that the program
// says of it.
func TestLongLivedRobotToken(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.answers[exchangePath] = reply{200, object{"token": unsigned(object{"alg": "RS256"}, object{"sub": "acme+ci", "exp": 9e10})}, nil}
	begin := time.Now()
	j := w.run(t, "terminal", strings.Fields("token --output json "+worldArgs))
	var shown struct {
		ExpiresAt time.Time `json:"expires_at"`
	}
	if err := json.Unmarshal([]byte(j.stdout), &shown); err != nil || j.code != 0 {
		t.Fatalf("exit code %d, %v: %s", j.code, err, j.stderr)
	}
	if earliest, latest := begin.Add(24*time.Hour).Truncate(time.Second), time.Now().Add(24*time.Hour); shown.ExpiresAt.Before(earliest) || shown.ExpiresAt.After(latest) {
		t.Errorf("it expires at %s, not between %s and %s", shown.ExpiresAt, earliest, latest)
	}
	for _, command := range []string{"login ", "doctor "} {
		if j := w.run(t, "terminal", strings.Fields(command+worldArgs)); !strings.Contains(j.stdout+j.stderr, "(1440 minutes)") {
			t.Errorf("%s: %s%s", command, j.stdout, j.stderr)
		}
	}
}
