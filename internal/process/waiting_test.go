// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"quay-keyless/internal/platform"
)

// wordsOf returns a closure, as [Waiting.For] wants one.
func wordsOf(text string) func() string { return func() string { return text } }

// pass lets seconds pass, and returns what was shown meanwhile.
func pass(w *Waiting, shown *strings.Builder, seconds int) string {
	shown.Reset()
	for range seconds {
		w.second()
	}
	return shown.String()
}

func TestWaitingOnATerminal(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	w := &Waiting{out: &shown, screen: platform.Screen{Terminal: true, Width: 40}, secrets: new(platform.Secrets)}
	if got := pass(w, &shown, 1); got != "" {
		t.Errorf("while nothing is waited for: %q", got)
	}
	first := w.For(wordsOf("quay.io"))
	second := w.For(wordsOf("an answer that is too long for this terminal"))
	if got, want := pass(w, &shown, 2), "\rwaiting for quay.io (1 s)\x1b[K\rwaiting for quay.io (2 s)\x1b[K"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	fmt.Fprintln(w, "warning: slow") //nolint:errcheck // a builder
	if got, want := shown.String(), "\x1b[K\r\x1b[Kwarning: slow\n"; !strings.HasSuffix(got, want) {
		t.Errorf("words do not replace the line: %q", got)
	}
	first()
	if got, want := pass(w, &shown, 1), "\rwaiting for an answer that is too long \x1b[K"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if second(); !strings.HasSuffix(shown.String(), "\r\x1b[K") {
		t.Errorf("the line stays: %q", shown.String())
	}
}

// A question's line is left alone until the person has answered.
func TestWaitingLeavesAQuestionAlone(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	w := &Waiting{out: &shown, screen: platform.Screen{Terminal: true}, secrets: new(platform.Secrets)}
	defer w.For(wordsOf("quay.io"))()
	fmt.Fprint(w, "Remove 2 of these? [y/N] ") //nolint:errcheck // a builder
	if got := pass(w, &shown, 3); got != "" {
		t.Errorf("in the line of a question: %q", got)
	}
	fmt.Fprint(w) //nolint:errcheck // a builder
	if got := pass(w, &shown, 1); got != "\rwaiting for quay.io (4 s)\x1b[K" {
		t.Errorf("after the answer: %q", got)
	}
}

// A log gets a line after 10 s and then every 30 s.
func TestWaitingInALog(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	w := &Waiting{out: &shown, secrets: new(platform.Secrets), due: firstInLog}
	done := 0
	end := w.For(func() string { done++; return fmt.Sprintf("quay.io, %d of 9", done) })
	if got := pass(w, &shown, 9); got != "" {
		t.Errorf("before 10 s: %q", got)
	}
	if got, want := pass(w, &shown, 61), "waiting for quay.io, 1 of 9 (10 s)\nwaiting for quay.io, 2 of 9 (40 s)\nwaiting for quay.io, 3 of 9 (70 s)\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	end()
	if got := pass(w, &shown, 60); got != "" {
		t.Errorf("while nothing is waited for: %q", got)
	}
}

// Words and waits of many goroutines do not mix, and no tick comes after the end.
func TestWaitingByManyAtOnce(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	w := &Waiting{out: &shown, screen: platform.Screen{Terminal: true}, secrets: new(platform.Secrets)}
	ticks := make(chan time.Time)
	stop := w.Start(func() (<-chan time.Time, func()) { return ticks, func() {} })
	var waiting sync.WaitGroup
	for i := range 8 {
		waiting.Go(func() {
			end := w.For(wordsOf(fmt.Sprintf("number %d", i)))
			ticks <- time.Time{}
			fmt.Fprintln(w, "done") //nolint:errcheck // a builder
			end()
		})
	}
	waiting.Wait()
	stop()
	if got := strings.Count(shown.String(), "done\n"); got != 8 || !strings.HasSuffix(shown.String(), "\n") && !strings.HasSuffix(shown.String(), "\r\x1b[K") {
		t.Errorf("%d of 8 words in %q", got, shown.String())
	}
}
