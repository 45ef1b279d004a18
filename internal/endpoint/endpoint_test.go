// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
)

// quiet is a server that does not log its clients' mistakes.
func quiet(t *testing.T, start func(*httptest.Server), handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	start(server)
	t.Cleanup(server.Close)
	return server
}

// ask asks a real server, with no time between attempts, and counts them.
func ask(t *testing.T, config *tls.Config, address string, header ...string) (*endpoint.Answer, []endpoint.Attempt, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	var attempts []endpoint.Attempt
	c := endpoint.Client{
		Transport: transport, Clock: impatient{}, UserAgent: "quay-keyless/test",
		Asked: func(a endpoint.Attempt) { attempts = append(attempts, a) },
	}
	answer, err := c.Do(t.Context(), "the thing", get(t, address, header...))
	return answer, attempts, err
}

// endless is a body that counts what was read of it.
type endless struct{ read, limit int }

func (e *endless) Read(p []byte) (int, error) {
	n := len(p)
	if e.limit > 0 {
		n = min(n, e.limit-e.read)
	}
	if n == 0 {
		return 0, io.EOF
	}
	e.read += n
	return n, nil
}

func (*endless) Close() error { return nil }

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	for _, test := range []struct {
		length int
		fits   bool
	}{{1, true}, {limit - 1, true}, {limit, true}, {limit + 1, false}, {0, false}} { // 0 is without end
		body := &endless{limit: test.length}
		transport := &fake{replies: []reply{func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
		}}}
		c, _ := client(transport)
		answer, err := c.Do(t.Context(), "the thing", get(t, somewhere))
		var unbelievable *endpoint.Unbelievable
		switch {
		case test.fits && (err != nil || len(answer.Body) != test.length):
			t.Errorf("%d bytes: %v", test.length, err)
		case !test.fits && (!errors.As(err, &unbelievable) || err.Error() != "the thing sent more than 1048576 bytes"):
			t.Errorf("%d bytes: %v", test.length, err)
		}
		if body.read > limit+1 || len(transport.seen) != 1 {
			t.Errorf("%d bytes: read %d in %d attempts", test.length, body.read, len(transport.seen))
		}
	}
}

func TestGzipBomb(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	packer, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := packer.Write(make([]byte, 2<<20)); err != nil {
		t.Fatal(err)
	}
	if err := packer.Close(); err != nil {
		t.Fatal(err)
	}
	server := quiet(t, (*httptest.Server).Start, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	_, attempts, err := ask(t, nil, server.URL)
	var unbelievable *endpoint.Unbelievable
	if !errors.As(err, &unbelievable) || len(attempts) != 1 {
		t.Errorf("%d attempts, %v", len(attempts), err)
	}
}

// hangUp closes a connection in the middle of an answer.
func hangUp(w http.ResponseWriter, reset bool) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if reset {
		_ = connection.(*net.TCPConn).SetLinger(0)
	} else {
		_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"token\":")
	}
	_ = connection.Close()
}

func TestBrokenConnectionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for name, reset := range map[string]bool{"truncated": false, "reset": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := quiet(t, (*httptest.Server).Start, func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) < 3 {
					hangUp(w, reset)
					return
				}
				_, _ = io.WriteString(w, "whole")
			})
			answer, attempts, err := ask(t, nil, server.URL)
			if err != nil || string(answer.Body) != "whole" || len(attempts) != 3 {
				t.Errorf("got %v after %d attempts, %v", answer, len(attempts), err)
			}
		})
	}
}

func TestTruncatedToTheEnd(t *testing.T) {
	t.Parallel()
	server := quiet(t, (*httptest.Server).Start, func(w http.ResponseWriter, _ *http.Request) { hangUp(w, false) })
	answer, attempts, err := ask(t, nil, server.URL)
	if answer != nil || len(attempts) != 5 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v after %d attempts, %v", answer, len(attempts), err)
	}
}

func TestRedirectsAreAnswers(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	server := quiet(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			followed.Add(1)
			return
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(code)
	})
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, header := range [][]string{nil, {"Authorization: Basic c2VjcmV0"}} {
			answer, attempts, err := ask(t, nil, fmt.Sprintf("%s/%d", server.URL, code), header...)
			if err != nil || answer.Status != code || answer.Header.Get("Location") != "/elsewhere" || len(attempts) != 1 {
				t.Errorf("%d with %v: got %+v, %v", code, header, answer, err)
			}
		}
	}
	transport := &fake{replies: []reply{status(302, "Location: https://%zz")}}
	c, _ := client(transport)
	if answer, err := c.Do(t.Context(), "the thing", get(t, somewhere)); err != nil || answer.Header.Get("Location") != "https://%zz" {
		t.Errorf("to an address that is none: got %+v, %v", answer, err)
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("followed %d redirects", n)
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	transport := &fake{replies: []reply{status(200)}}
	c, _ := client(transport)
	for want, header := range map[string][]string{"quay-keyless/test": nil, "own/1": {"User-Agent: own/1"}} {
		if _, err := c.Do(t.Context(), "the thing", get(t, somewhere, header...)); err != nil {
			t.Fatal(err)
		}
		if got := transport.seen[len(transport.seen)-1].UserAgent(); got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
}

// closedPort is nobody's: one that was free a moment ago may be another test's now.
const closedPort = "http://127.0.0.1:1"

func TestClosedPort(t *testing.T) {
	t.Parallel()
	_, attempts, err := ask(t, nil, closedPort)
	if !errors.Is(err, syscall.ECONNREFUSED) || len(attempts) != 3 {
		t.Errorf("%d attempts, %v", len(attempts), err)
	}
}

func TestCallbacksHoldNoSecret(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]http.RoundTripper{
		"answer": &fake{replies: []reply{status(503)}},
		"error":  &http.Transport{},
	} {
		var said []string
		c := endpoint.Client{
			Transport: next, Clock: impatient{},
			Asked:    func(a endpoint.Attempt) { said = append(said, fmt.Sprintf("%+v %v", a, a.Err)) },
			Retrying: func(r endpoint.Retry) { said = append(said, fmt.Sprintf("%+v %v", r, r.Err)) },
		}
		address := strings.Replace(closedPort, "http://", "http://user:hunter2@", 1) + "/path?token=hunter2#hunter2"
		_, err := c.Do(t.Context(), "the thing", get(t, address, "Authorization: bearer hunter2"))
		said = append(said, err.Error(), fmt.Sprintf("%+v", err))
		if len(said) < 7 {
			t.Errorf("%s: only %q was said", name, said)
		}
		for _, line := range said {
			if strings.Contains(line, "hunter2") {
				t.Errorf("%s: %s", name, line)
			}
		}
		if !strings.Contains(said[0], closedPort+"/path") {
			t.Errorf("%s: %q does not say what was asked", name, said[0])
		}
	}
}

func TestAttempt(t *testing.T) {
	t.Parallel()
	var attempts []endpoint.Attempt
	c, _ := client(&fake{replies: []reply{broken(io.EOF), status(404)}})
	c.Clock = impatient{}
	c.Asked = func(a endpoint.Attempt) { attempts = append(attempts, a) }
	if _, err := c.Do(t.Context(), "the thing", get(t, somewhere)); err != nil {
		t.Fatal(err)
	}
	first, second := attempts[0], attempts[1]
	if first.Status != 0 || !errors.Is(first.Err, io.EOF) || second.Status != 404 || second.Err != nil || second.Name != "the thing" {
		t.Errorf("told %+v, then %+v", first, second)
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	answer := endpoint.Answer{Header: http.Header{"Date": {"Sun, 22 Nov 2026 08:00:00 GMT"}}}
	if date, ok := answer.Date(); !ok || !date.Equal(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("got %v, %v", date, ok)
	}
	for _, text := range []string{"", "today"} {
		answer := endpoint.Answer{Header: http.Header{"Date": {text}}}
		if date, ok := answer.Date(); ok {
			t.Errorf("%q is %v", text, date)
		}
	}
}

// A name that net/http would turn into punycode is not asked, whoever said it.
func TestOtherAlphabets(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://qu\u0430y.example/", "https://qu%D0%B0y.example/", "https://\u212aay.example/", "https://quay\u3002example/"} {
		answer, attempts, err := ask(t, nil, address)
		var unbelievable *endpoint.Unbelievable
		if !errors.As(err, &unbelievable) || !strings.Contains(err.Error(), "is not ASCII") || answer != nil || len(attempts) != 0 {
			t.Errorf("%+q: %v, %d attempts", address, err, len(attempts))
		}
	}
}
