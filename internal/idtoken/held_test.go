// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quay-keyless/internal/idtoken"
)

// mint is a source that counts and gives tokens of five minutes.
type mint struct {
	log   *[]string // what happened, in order
	asked int
	text  func(n int) string // in place of a token
}

func (m *mint) source(renews idtoken.Renewal) idtoken.Source {
	return idtoken.Source{Name: "mint", Renews: renews, Get: func(context.Context, string) (idtoken.Token, error) {
		m.asked++
		*m.log = append(*m.log, "asked")
		if m.text != nil {
			return idtoken.ParseToken(idtoken.NewSecret(m.text(m.asked)))
		}
		return idtoken.Token{}, errors.New("no token")
	}}
}

// numbered gives tokens that differ and live for five minutes from now.
func numbered(t *testing.T, now func() time.Time) func(int) string {
	t.Helper()
	return func(n int) string {
		return jwt(t, rs256, object{"sub": strings.Repeat("x", n), "exp": now().Add(5 * time.Minute).Unix()})
	}
}

func TestHeldKeepsWhatCannotBeRenewed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	var log []string
	source := &mint{log: &log, text: numbered(t, clock)}
	held := idtoken.Held{Source: source.source(idtoken.Never), Audience: "quay", Now: clock}
	for range 3 {
		if token, err := held.IDToken(t.Context()); err != nil || token.Subject != "x" {
			t.Fatalf("got %+v, %v", token.Claims, err)
		}
		now = now.Add(time.Hour)
	}
	if source.asked != 1 {
		t.Errorf("asked %d times", source.asked)
	}
}

func TestHeldRenewsNearExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	skew := time.Duration(0) // of the registry
	var log []string
	source := &mint{log: &log, text: numbered(t, func() time.Time { return now })}
	held := idtoken.Held{
		Source: source.source(idtoken.NearExpiry), Audience: "quay",
		Now: func() time.Time { return now.Add(skew) },
		Got: func(token idtoken.Secret) { log = append(log, "got") },
	}
	step := func(asked int) {
		t.Helper()
		token, err := held.IDToken(t.Context())
		if err != nil || len(token.Subject) != asked || source.asked != asked {
			t.Errorf("asked %d times, got %+v, %v", source.asked, token.Claims, err)
		}
	}
	step(1)
	now = now.Add(4 * time.Minute)
	step(1)
	now = now.Add(30 * time.Second)
	step(2)
	skew = 4*time.Minute + 29*time.Second
	step(2)
	skew = 4*time.Minute + 30*time.Second // the registry's clock, not ours
	step(3)
	if want := []string{"asked", "got", "asked", "got", "asked", "got"}; !slices.Equal(log, want) {
		t.Errorf("happened: %v", log)
	}
}

// A projected token is read for each use, since the kubelet renews it; a file
// that the user named only near the token's expiry, since it may be a pipe.
func TestHeldReadsFilesAgain(t *testing.T) {
	t.Parallel()
	now := impatient{}.Now()
	token := func(subject string, left time.Duration) string {
		return jwt(t, rs256, object{"sub": subject, "exp": now.Add(left).Unix()})
	}
	j := job{files: map[string]string{}}
	for _, test := range []struct {
		source idtoken.Source
		left   time.Duration
		want   []string
	}{
		{named(j.env(), "kubernetes"), time.Hour, []string{"one", "two", "three"}},
		{idtoken.File(j.env(), tokenFile), time.Hour, []string{"one", "one", "one"}},
		{idtoken.File(j.env(), tokenFile), 20 * time.Second, []string{"one", "two", "three"}},
	} {
		held := idtoken.Held{Source: test.source, Now: func() time.Time { return now }}
		for i, subject := range []string{"one", "two", "three"} {
			j.files[tokenFile], j.files[projected] = token(subject, test.left), token(subject, test.left)
			if token, err := held.IDToken(t.Context()); err != nil || token.Subject != test.want[i] {
				t.Errorf("%s with %s left: got %+v, %v", test.source.Name, test.left, token.Claims, err)
			}
		}
	}
}

// A token is told of, and so masked, before it is looked at: the error about
// one that is no JWT could be printed with it.
func TestHeldTellsFirst(t *testing.T) {
	t.Parallel()
	var log []string
	source := &mint{log: &log, text: func(int) string { return "hunter2" }}
	var got string
	held := idtoken.Held{Source: source.source(idtoken.Never), Now: impatient{}.Now, Got: func(s idtoken.Secret) { got = s.Reveal() }}
	if _, err := held.IDToken(t.Context()); problem(err) != idtoken.NotJWT || got != "hunter2" {
		t.Errorf("told of %q, %v", got, err)
	}
}

func TestHeldKeepsNoError(t *testing.T) {
	t.Parallel()
	var log []string
	source := &mint{log: &log}
	held := idtoken.Held{Source: source.source(idtoken.Never), Now: impatient{}.Now, Got: func(idtoken.Secret) { log = append(log, "got") }}
	if token, err := held.IDToken(t.Context()); err == nil || !token.Empty() {
		t.Errorf("got %v, %v", token, err)
	}
	source.text = func(int) string { return good(t) }
	if _, err := held.IDToken(t.Context()); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if want := []string{"asked", "asked", "got"}; !slices.Equal(log, want) {
		t.Errorf("happened: %v", log)
	}
}

func TestHeldIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	var log []string
	var started, ended sync.WaitGroup
	started.Add(32)
	give := numbered(t, impatient{}.Now)
	source := &mint{log: &log, text: func(n int) string {
		started.Wait() // so that all want the token while the first one asks
		return give(n)
	}}
	held := idtoken.Held{Source: source.source(idtoken.NearExpiry), Now: impatient{}.Now}
	for range 32 {
		ended.Go(func() {
			started.Done()
			if token, err := held.IDToken(t.Context()); err != nil || token.Subject != "x" {
				t.Errorf("got %+v, %v", token.Claims, err)
			}
		})
	}
	ended.Wait()
	if source.asked != 1 {
		t.Errorf("32 readers at once asked %d times", source.asked)
	}
}
