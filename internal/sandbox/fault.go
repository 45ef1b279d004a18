// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"quay-keyless/internal/sandbox/web"
)

// The endpoints that a [Fault] can hit and [Sandbox.Requests] counts.
const (
	Exchange  = web.Exchange
	Ping      = web.Ping
	Auth      = web.Auth
	IDToken   = web.IDToken
	Discovery = web.Discovery
	JWKS      = web.JWKS
	API       = web.API
	GitHubAPI = web.GitHubAPI
)

// The kinds of [Fault].
const (
	Slow         = "slow"          // the right answer, but only after ClearFaults; none if the client goes away first
	Status       = "status"        // Fault.Status, with Body, ContentType and Header
	Reset        = "reset"         // the connection ends before an answer
	ResetInside  = "reset-inside"  // it ends in the middle of the answer
	Truncated    = "truncated"     // JSON that stops in a string
	HTML         = "html"          // a 200 with a web page
	Empty        = "empty"         // a 200 with nothing
	Endless      = "endless"       // a 200 that never stops
	Redirect     = "redirect"      // Fault.Status (302) to Fault.Location
	ForeignRobot = "foreign-robot" // a robot token for another robot
	NoJWT        = "no-jwt"        // a token that is not a JWT
)

// Fault is one way to misbehave. Times is how often; 0 is always.
type Fault struct {
	Target, Kind string
	Times        int

	Status      int
	ContentType string
	Body        string
	Header      map[string]string // Retry-After, WWW-Authenticate, …
	Location    string
}

// Request is what the sandbox noted of one request. Authorization is the
// scheme only, never a credential.
type Request struct {
	Method, URI, Authorization, UserAgent string
}

// watch counts requests and knows the faults.
type watch struct {
	mu       sync.Mutex
	requests map[string][]Request
	faults   []*Fault
	release  chan struct{} // closed to let slow answers go
}

func newWatch() *watch { return &watch{requests: map[string][]Request{}, release: make(chan struct{})} }

// Fault makes an endpoint misbehave. Faults of one endpoint are used up in the
// order in which they were added.
func (s *Sandbox) Fault(f Fault) {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	s.watch.faults = append(s.watch.faults, &f)
}

// ClearFaults ends all faults and releases the requests that a slow one holds.
func (s *Sandbox) ClearFaults() {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	s.watch.faults = nil
	close(s.watch.release)
	s.watch.release = make(chan struct{})
}

// Requests counts the requests to an endpoint, faults included.
func (s *Sandbox) Requests(target string) int { return len(s.History(target)) }

// History returns the requests to an endpoint, the oldest first.
func (s *Sandbox) History(target string) []Request {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	return slices.Clone(s.watch.requests[target])
}

// note records a request and returns the fault that it meets, with the channel
// that ends a slow one.
func (w *watch) note(target string, r *http.Request) (fault Fault, release <-chan struct{}, met bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	w.requests[target] = append(w.requests[target], Request{
		Method: r.Method, URI: r.RequestURI, Authorization: scheme, UserAgent: r.UserAgent(),
	})
	i := slices.IndexFunc(w.faults, func(f *Fault) bool { return f.Target == target })
	if i < 0 {
		return Fault{}, w.release, false
	}
	fault = *w.faults[i]
	if w.faults[i].Times--; fault.Times == 1 {
		w.faults = slices.Delete(w.faults, i, i+1)
	}
	return fault, w.release, true
}

func (s *Sandbox) watched(target string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, release, met := s.watch.note(target, r)
		switch {
		case !met:
			next.ServeHTTP(w, r)
		case fault.Kind == Slow:
			web.Wait(r.Context(), release)
			next.ServeHTTP(w, r)
		default:
			s.misbehave(w, r, fault)
		}
	})
}

func (s *Sandbox) misbehave(w http.ResponseWriter, r *http.Request, f Fault) {
	ok := func(body string) web.Answer { return web.Answer{Status: http.StatusOK, Type: web.TypeJSON, Body: body} }
	switch f.Kind {
	case Status:
		f.answer().Write(w)
	case Redirect:
		f.answer().With("Location", f.Location).Write(w)
	case Truncated:
		ok(`{"token":"eyJhbGciOiJSUzI1NiIsImtpZ`).Write(w)
	case HTML:
		web.Page(http.StatusOK, web.TypeHTMLUTF8, "Sign in", "A proxy wants to know who you are.").Write(w)
	case Empty:
		ok("").Write(w)
	case NoJWT:
		ok(`{"token":"not-a-jwt","value":"not-a-jwt"}` + "\n").Write(w)
	case ForeignRobot:
		s.quay.TokenFor("acme+somebody-else").Write(w)
	case Endless:
		endless(w, r)
	case ResetInside:
		w.Header().Set("Content-Type", web.TypeJSON)
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"token":"eyJhbGciOiJSUzI1NiIsImtpZ`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default: // Reset
		panic(http.ErrAbortHandler)
	}
}

func (f Fault) answer() web.Answer {
	a := web.Answer{Status: f.Status, Type: f.ContentType, Body: f.Body, Header: f.Header}
	if a.Status == 0 {
		a.Status = map[string]int{Redirect: http.StatusFound, Status: http.StatusServiceUnavailable}[f.Kind]
	}
	if a.Body == "" {
		title := http.StatusText(a.Status)
		a.Body = web.Page(a.Status, web.TypeHTML, title, "").Body
		a.Type = cmp.Or(a.Type, web.TypeHTML)
	}
	a.Type = cmp.Or(a.Type, web.TypeJSON)
	return a
}

func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", web.TypeJSON)
	_, err := io.WriteString(w, `{"token":"`)
	for chunk := strings.Repeat("a", 32<<10); err == nil && r.Context().Err() == nil; {
		_, err = io.WriteString(w, chunk)
	}
}
