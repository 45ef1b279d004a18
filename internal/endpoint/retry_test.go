// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/endpoint"
)

// failed is an error as the net package gives it.
func failed(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError("connect", err)}
}

// dialTimeout is the error of a dial that took longer than the dialer allows,
// which says of itself that it is a context.DeadlineExceeded.
func dialTimeout(t *testing.T) error {
	t.Helper()
	dialer := net.Dialer{Deadline: time.Unix(1, 0)}
	_, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:9")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a dial's timeout is %v", err)
	}
	return err
}

func TestHowOftenEachTroubleIsTried(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		reply reply
		want  int
	}{
		{"408", status(408), 5},
		{"429", status(429), 5},
		{"500", status(500), 3},
		{"501", status(501), 5},
		{"502", status(502), 5},
		{"503", status(503), 5},
		{"504", status(504), 5},
		{"599", status(599), 5},
		{"connection refused", broken(failed("dial", syscall.ECONNREFUSED)), 3},
		{"unknown host", broken(&net.DNSError{Err: "no such host", Name: "quay.example", IsNotFound: true}), 3},
		{"a name server without an answer", broken(&net.DNSError{Err: "server misbehaving", Name: "quay.example", IsTemporary: true}), 5},
		{"connection reset", broken(failed("read", syscall.ECONNRESET)), 5},
		{"network unreachable", broken(failed("dial", syscall.ENETUNREACH)), 5},
		{"dial timeout", broken(dialTimeout(t)), 5},
		{"connection closed", broken(io.ErrUnexpectedEOF), 5},
		{"unknown authority", broken(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), 1},
		{"wrapped certificate error", broken(fmt.Errorf("proxy: %w", &tls.CertificateVerificationError{Err: x509.HostnameError{Host: "x"}})), 1},
		{"http at an https port", broken(http.ErrSchemeMismatch), 1},
		{"something else at an https port", broken(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { wantTries(t, test.reply, test.want) })
		})
	}
}

// wantTries asks for what always gets the same reply, and counts.
func wantTries(t *testing.T, always reply, want int) {
	t.Helper()
	transport := &fake{replies: []reply{always}}
	c, retries := client(transport)
	answer, err := c.Do(t.Context(), "the thing", get(t, somewhere))
	var unreachable *endpoint.Unreachable
	if answer != nil || !errors.As(err, &unreachable) {
		t.Fatalf("got %v, %v, want an Unreachable", answer, err)
	}
	if len(transport.seen) != want || unreachable.Attempts != want {
		t.Errorf("tried %d times, says %d, want %d", len(transport.seen), unreachable.Attempts, want)
	}
	if len(*retries) != want-1 {
		t.Errorf("told of %d retries, want %d", len(*retries), want-1)
	}
	for i, r := range *retries {
		if r.Attempt != i+2 || r.Of != want || r.Name != "the thing" || r.Err == nil {
			t.Errorf("retry %d said %+v", i, r)
		}
	}
	if (unreachable.Answer() != nil) != strings.HasPrefix(err.Error(), "the thing: HTTP ") {
		t.Errorf("last answer %v beside %q", unreachable.Answer(), err)
	}
}

func TestStatusesThatAreAnswers(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 422, 431, 451, 499} {
		transport := &fake{replies: []reply{status(code)}}
		c, retries := client(transport)
		answer, err := c.Do(t.Context(), "the thing", get(t, somewhere))
		if err != nil || answer.Status != code || string(answer.Body) != "words" {
			t.Errorf("%d: got %+v, %v", code, answer, err)
		}
		if len(transport.seen) != 1 || len(*retries) != 0 {
			t.Errorf("%d was asked %d times", code, len(transport.seen))
		}
	}
}

func TestTroubleThatPasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &fake{replies: []reply{
			status(502), broken(io.ErrUnexpectedEOF), broken(dialTimeout(t)), status(429), status(200),
		}}
		c, _ := client(transport)
		answer, err := c.Do(t.Context(), "the thing", get(t, somewhere))
		if err != nil || answer.Status != 200 {
			t.Fatalf("got %+v, %v", answer, err)
		}
	})
}

// The kind of the last trouble decides, so that a Quay that came up with a 500
// is not asked as often as one that is still loading.
func TestLastTroubleDecides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &fake{replies: []reply{status(503), status(503), status(503), status(500)}}
		c, _ := client(transport)
		_, err := c.Do(t.Context(), "the thing", get(t, somewhere))
		if got := err.Error(); got != "the thing: HTTP 500 Internal Server Error (tried 4 times)" {
			t.Errorf("got %q", got)
		}
	})
}

func TestWaitsDoubleWithJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		firsts := map[time.Duration]bool{}
		for range 50 {
			transport := &fake{replies: []reply{status(503)}}
			c, retries := client(transport)
			_, _ = c.Do(t.Context(), "the thing", get(t, somewhere))
			least := 500 * time.Millisecond
			for i, r := range *retries {
				if gap := transport.times[i+1].Sub(transport.times[i]); gap != r.Wait {
					t.Errorf("waited %v, said %v", gap, r.Wait)
				}
				if r.Wait < least || r.Wait > 2*least {
					t.Errorf("wait %d is %v, want %v to %v", i+1, r.Wait, least, 2*least)
				}
				least *= 2
			}
			firsts[(*retries)[0].Wait] = true
		}
		if len(firsts) < 10 {
			t.Errorf("50 first waits had only %d lengths", len(firsts))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const none = -1 // own waits
	// A bubble's time begins at midnight of 2000-01-01.
	tests := []struct {
		name   string
		header []string
		want   time.Duration
	}{
		{"seconds", []string{"Retry-After: 7"}, 7 * time.Second},
		{"zero", []string{"Retry-After: 0"}, none},
		{"date by the server's clock", []string{"Retry-After: Sun, 22 Nov 2026 08:00:20 GMT", "Date: Sun, 22 Nov 2026 08:00:00 GMT"}, 20 * time.Second},
		{"date by the local clock", []string{"Retry-After: Sat, 01 Jan 2000 00:00:11 GMT"}, 11 * time.Second},
		{"date that is past", []string{"Retry-After: Fri, 31 Dec 1999 00:00:00 GMT"}, none},
		{"nonsense", []string{"Retry-After: soon"}, none},
		{"negative", []string{"Retry-After: -5"}, none},
		{"fraction", []string{"Retry-After: 1.5"}, none},
		{"empty", []string{"Retry-After: "}, none},
	}
	for _, test := range tests {
		for _, code := range []int{429, 503} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				c, retries := client(&fake{replies: []reply{status(code, test.header...), status(200)}})
				if _, err := c.Do(ctx, "the thing", get(t, somewhere)); err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				got := (*retries)[0].Wait
				if test.want == none && got < 500*time.Millisecond || got < test.want || got > max(test.want, 0)+time.Second {
					t.Errorf("%s, HTTP %d: waited %v", test.name, code, got)
				}
			})
		}
	}
}

func TestRequestIsMadeAnewEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &fake{replies: []reply{status(503)}}
		c, _ := client(transport)
		made := 0
		_, err := c.Do(t.Context(), "the thing", func(ctx context.Context) (*http.Request, error) {
			made++
			if made == 3 {
				return nil, errStale
			}
			return get(t, somewhere)(ctx)
		})
		if err != errStale || len(transport.seen) != 2 { //nolint:errorlint // not wrapped
			t.Errorf("got %v after %d requests", err, len(transport.seen))
		}
	})
}

var errStale = errors.New("no fresh token")

func TestOnce(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for name, c := range map[string]struct {
		replies []reply
		want    int
	}{
		"ill":             {[]reply{status(503)}, 1},
		"too much to do":  {[]reply{status(429, "Retry-After: 1")}, 1},
		"a lost answer":   {[]reply{broken(&net.OpError{Op: "read", Err: syscall.ECONNRESET})}, 1},
		"no connection":   {[]reply{broken(dial)}, 3},
		"one the 2nd try": {[]reply{broken(dial), status(200)}, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport := &fake{replies: c.replies}
			asked, _ := client(transport)
			asked.Once = true
			_, err := asked.Do(t.Context(), "the thing", get(t, somewhere))
			if len(transport.seen) != c.want || (err == nil) != (name == "one the 2nd try") {
				t.Errorf("%s: sent %d times, %v", name, len(transport.seen), err)
			}
		})
	}
}
