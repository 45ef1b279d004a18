// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/quay"
)

// store is Quay's federation API with a memory. What it saves goes through keep,
// and before each answer meanwhile may do something.
type store struct {
	list      string
	keep      func(string) string
	meanwhile func(s *store, method string)
	answers   []reply // given first, to POST

	asked []string
}

func (s *store) transport() *server {
	return &server{answer: func(request *http.Request) reply {
		s.asked = append(s.asked, request.Method)
		if s.meanwhile != nil {
			s.meanwhile(s, request.Method)
		}
		if request.Method == http.MethodGet {
			return reply{status: 200, body: s.list}
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return reply{err: err}
		}
		if len(s.answers) > 0 {
			answer := s.answers[0]
			s.answers = s.answers[1:]
			if answer.status != 0 {
				return answer
			}
			s.list = string(body) // it arrives, and the answer does not
			return answer
		}
		s.list = string(body)
		if s.keep != nil {
			s.list = s.keep(s.list)
		}
		return reply{status: 200, body: s.list}
	}}
}

func adding(issuer, subject string) quay.Edit {
	return func(stored quay.Entries) (quay.Entries, error) {
		if _, there := stored.Find(issuer, subject); there {
			return stored, nil
		}
		return stored.With(quay.NewEntry(issuer, subject)), nil
	}
}

func removing(issuer, subject string) quay.Edit {
	return func(stored quay.Entries) (quay.Entries, error) { return stored.Without(issuer, subject), nil }
}

const odd = `{"version":3, "issuer":"https://i","x":{"a":1.50},"subject":"s"}`

func TestAnEditReadsMergesWritesAndReads(t *testing.T) {
	t.Parallel()
	s := &store{list: "[" + odd + "]"}
	change, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	if err != nil || len(change.Before) != 1 || len(change.After) != 2 {
		t.Fatalf("%+v, %v", change, err)
	}
	if !slices.Equal(s.asked, []string{"GET", "POST", "GET"}) {
		t.Errorf("asked %v", s.asked)
	}
	if want := `[{"issuer":"https://i","subject":"s","version":3,"x":{"a":1.50}},{"issuer":"https://j","subject":"t"}]`; s.list != want {
		t.Errorf("stored %s, want %s", s.list, want)
	}
	if _, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), removing("https://j", "t")); err != nil {
		t.Fatal(err)
	}
	if d := quay.Compare(parseEntries(t, "["+odd+"]"), parseEntries(t, s.list)); len(d) > 0 {
		t.Errorf("left %v", d)
	}
}

func TestNothingIsSentWhereNothingChanges(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]quay.Edit{
		"add":    func(stored quay.Entries) (quay.Entries, error) { return stored, nil },
		"remove": removing("https://i", "other"),
		"refuse": func(quay.Entries) (quay.Entries, error) { return nil, errors.New("no") },
	} {
		s := &store{list: "[" + odd + "]"}
		change, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), edit)
		if (err != nil) != (name == "refuse") || change.After != nil || !slices.Equal(s.asked, []string{"GET"}) {
			t.Errorf("%s: %v, asked %v", name, err, s.asked)
		}
	}
}

func TestWhatIsStoredOtherwiseIsNamed(t *testing.T) {
	t.Parallel()
	drops := func(old string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, "", 1) }
	}
	for _, test := range []struct {
		name, list string
		keep       func(string) string
		want       string
	}{
		{"a field", `[{"issuer":"https://i","subject":"s","x":1}]`, drops(`,"x":1`), "in the entry with issuer https://i, subject s, x is none, not 1"},
		{"ours", `[]`, drops(`{"issuer":"https://j","subject":"t"}`), "the entry with issuer https://j, subject t is not there"},
		{"another's", `[{"issuer":"https://i","subject":"s"}]`, drops(`{"issuer":"https://i","subject":"s"},`), "the entry with issuer https://i, subject s is not there"},
		{"one more", `[]`, func(text string) string {
			return strings.Replace(text, "[", `[{"issuer":"https://k","subject":"u"},`, 1)
		},
			"an entry with issuer https://k, subject u is there"},
	} {
		s := &store{list: test.list, keep: test.keep}
		_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
		var otherwise *quay.StoredOtherwise
		if !errors.As(err, &otherwise) || err.Error() != "quay.example has stored something else for acme+ci than was sent: "+test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestWhatQuayGivesEntriesIsNoDifference(t *testing.T) {
	t.Parallel()
	numbers := func(text string) string {
		return strings.NewReplacer(`"subject":"t"`, `"subject":"t","id":"1","version":1,"audiences":["quay"]`, `"version":7`, `"version":8`).Replace(text)
	}
	s := &store{list: `[]`, keep: numbers}
	if _, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t")); err != nil {
		t.Error(err)
	}
	prod := func(stored quay.Entries) (quay.Entries, error) {
		entry, _ := stored.Find("https://i", "s")
		return stored.With(entry.WithAudiences([]string{"prod"})), nil
	}
	s = &store{list: `[{"issuer":"https://i","subject":"s","id":"1","version":7,"audiences":["quay"]}]`, keep: numbers}
	if _, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), prod); err != nil {
		t.Error(err)
	}
	for _, list := range []string{`[{"issuer":"https://i","subject":"s","id":"1","version":7}]`, `[{"issuer":"https://i","subject":"t"}]`} {
		s = &store{list: list, keep: numbers}
		_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://k", "new"))
		if err == nil || !strings.Contains(err.Error(), "version is 8, not 7") && !strings.Contains(err.Error(), `audiences is ["quay"], not none`) {
			t.Errorf("%s: %v", list, err)
		}
	}
}

func TestAnAttemptReadsImmediatelyBeforeItWrites(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`, answers: []reply{{status: 502, body: "<title>Quay Loading</title>"}}}
	s.meanwhile = func(s *store, method string) { // somebody adds an entry while this one waits
		if len(s.asked) == 3 {
			s.list = `[{"issuer":"https://k","subject":"u"}]`
		}
	}
	change, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	if err != nil || len(change.After) != 2 || !slices.Equal(s.asked, []string{"GET", "POST", "GET", "POST", "GET"}) {
		t.Errorf("%v, asked %v, stored %s", err, s.asked, s.list)
	}
}

func TestAWriteWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`, answers: []reply{{err: io.ErrUnexpectedEOF}}}
	change, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	if err != nil || len(change.Before) != 0 || len(change.After) != 1 || !slices.Equal(s.asked, []string{"GET", "POST", "GET", "GET"}) {
		t.Errorf("%v, asked %v, %+v", err, s.asked, change)
	}
}

func TestAListThatCannotBeReadAgainWasSent(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`}
	s.meanwhile = func(s *store, _ string) {
		if len(s.asked) == 3 {
			s.list = "<title>Sign in</title>"
		}
	}
	_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	var page *endpoint.Unbelievable
	if !errors.As(err, &page) || !strings.HasPrefix(err.Error(), "the list was sent, and could not be read again: ") {
		t.Errorf("got %v", err)
	}
}

func TestAReadOnlyQuayIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`, answers: []reply{{status: 503, body: readOnly}}}
	_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	var refusal *quay.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != quay.ReadOnly || len(s.asked) != 2 {
		t.Errorf("%v, asked %v", err, s.asked)
	}
}
