// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
)

// slow is a store in a bubble, whose requests take a while. Later lists replace earlier
// ones, and each is answered with 200, as Quay does.
type slow struct {
	mu     sync.Mutex
	list   string
	posts  int
	before func(list string) string // what another client does right after each POST
}

func (s *slow) RoundTrip(request *http.Request) (*http.Response, error) {
	time.Sleep(200*time.Millisecond + rand.N(400*time.Millisecond))
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.list
	if request.Method == http.MethodPost {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		text, s.list, s.posts = string(body), string(body), s.posts+1
		if s.before != nil {
			s.list = s.before(s.list)
		}
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: request, Body: io.NopCloser(strings.NewReader(text))}, nil
}

func slowAPI(t testing.TB, transport http.RoundTripper) *quay.API {
	t.Helper()
	registry, err := quay.ParseRegistry("quay.example")
	if err != nil {
		t.Fatal(err)
	}
	return quay.NewAPI(&quay.Client{Registry: registry, Endpoint: &endpoint.Client{Transport: transport, Clock: process.SystemClock{}}}, idtoken.NewSecret(apiToken))
}

// Eight programs add three entries each at once. Quay keeps the last list only, and says
// 200 to all of them.
func TestAddsAtOnceAreAllStored(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 3
	synctest.Test(t, func(t *testing.T) {
		s := &slow{list: "[]"}
		var group sync.WaitGroup
		for w := range writers {
			account := slowAPI(t, s).Account(ci)
			group.Go(func() {
				for n := range each {
					if _, err := account.EditFederation(t.Context(), adding("https://i", fmt.Sprint(w, "-", n))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if stored := parseEntries(t, s.list); len(stored) != writers*each || s.posts < writers*each {
			t.Errorf("%d entries stored after %d posts", len(stored), s.posts)
		}
	})
}

// A change that is overwritten each time is an error, and others' entries are not put back.
func TestAChangeThatIsAlwaysOverwrittenIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{list: "[]", before: func(string) string { return `[{"issuer":"https://k","subject":"u"}]` }}
		begin := time.Now()
		_, err := slowAPI(t, s).Account(ci).EditFederation(t.Context(), adding("https://i", "s"))
		var overwritten *quay.Overwritten
		if !errors.As(err, &overwritten) || !strings.Contains(err.Error(), "overwritten by other clients") {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); s.posts < 5 || took > 3*time.Minute {
			t.Errorf("%d posts in %s", s.posts, took)
		}
	})
}

// One that is overwritten once is merged again.
func TestAChangeThatWasOverwrittenIsMergedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{list: "[]"}
		s.before = func(list string) string {
			if s.posts == 1 {
				return `[{"issuer":"https://k","subject":"u"}]`
			}
			return list
		}
		change, err := slowAPI(t, s).Account(ci).EditFederation(t.Context(), adding("https://i", "s"))
		if err != nil || len(change.After) != 2 || len(change.Before) != 0 || s.posts != 2 {
			t.Errorf("%v, %+v after %d posts", err, change, s.posts)
		}
	})
}

// The API refuses a list that has an entry twice, so every save leaves out the second one.
func TestDuplicatesAreLeftOut(t *testing.T) {
	t.Parallel()
	const twice = `[{"issuer":"https://i","subject":"s"},{"issuer":"https://i","subject":"s"}]`
	for _, edit := range []quay.Edit{adding("https://i", "s"), adding("https://j", "t")} {
		s := &store{list: twice}
		if _, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), edit); err != nil || strings.Count(s.list, `"https://i"`) != 1 {
			t.Errorf("%v: %s", err, s.list)
		}
	}
}
