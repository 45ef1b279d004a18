// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"quay-keyless/internal/platform"
)

// When a log shows that the program waits: after this many seconds, and then every so many.
const (
	firstInLog = 10
	nextInLog  = 30
)

// Waiting is standard error, and shows there what the program waits for: on a terminal in
// one line, which is updated each second and then removed; in a log in a line after 10 s,
// and then every 30 s. It shows nothing before [Waiting.Start].
type Waiting struct {
	out     io.Writer
	screen  platform.Screen
	secrets *platform.Secrets

	mu       sync.Mutex
	waits    []*wait // the oldest first
	seconds  int     // since Start
	due      int     // when a log gets its next line
	shown    bool    // a line that must be removed
	question bool    // a person answers in this line
}

// wait is one thing that the program waits for.
type wait struct {
	what  func() string
	since int
}

// Write writes words in place of the line. While they end inside of a line, a person
// answers there. An empty write says that the person did.
func (w *Waiting) Write(words []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove()
	w.question = len(words) > 0 && words[len(words)-1] != '\n'
	return w.out.Write(words)
}

// For says what the program waits for, until end is called. Of several, the oldest is
// shown. what is called each time, and may tell the progress.
func (w *Waiting) For(what func() string) (end func()) {
	if w == nil {
		return func() {}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := &wait{what, w.seconds}
	w.waits = append(w.waits, at)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.waits = slices.DeleteFunc(w.waits, func(other *wait) bool { return other == at })
		if len(w.waits) == 0 {
			w.remove()
		}
	}
}

// Start shows the line until end is called. See Env for seconds.
func (w *Waiting) Start(seconds func() (ticks <-chan time.Time, stop func())) (end func()) {
	if seconds == nil {
		return func() {}
	}
	w.due = firstInLog
	ticks, stop := seconds()
	ended := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		for {
			select {
			case <-ticks:
				w.second()
			case <-ended:
				return
			}
		}
	})
	return func() {
		stop()
		close(ended)
		showing.Wait()
	}
}

// second shows the line after one more second.
func (w *Waiting) second() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seconds++
	if len(w.waits) == 0 || w.question || !w.screen.Terminal && w.seconds < w.due {
		return
	}
	w.due = w.seconds + nextInLog
	line := w.secrets.Line(fmt.Sprintf("waiting for %s (%d s)", w.waits[0].what(), w.seconds-w.waits[0].since))
	if !w.screen.Terminal {
		_, _ = fmt.Fprintln(w.out, line)
		return
	}
	if room := w.screen.Columns() - 1; len([]rune(line)) > room {
		line = string([]rune(line)[:room])
	}
	_, _ = fmt.Fprint(w.out, "\r"+line+"\x1b[K")
	w.shown = true
}

// remove removes the line from a terminal.
func (w *Waiting) remove() {
	if w.shown {
		_, _ = fmt.Fprint(w.out, "\r\x1b[K")
		w.shown = false
	}
}
