// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/quay"
)

func parseEntries(t testing.TB, text string) quay.Entries {
	t.Helper()
	var entries quay.Entries
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

func encode(t testing.TB, value any) string {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}

func TestEntriesAreReadAsQuayStoresThem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       quay.Entry
		restricted bool
		loses      bool
	}{
		{name: "as to 3.18", text: `{"issuer":"https://i","subject":"s"}`, want: quay.Entry{Issuer: "https://i", Subject: "s"}},
		{name: "audiences by hand", text: `{"issuer":"https://i","subject":"s","audiences":["quay","x"]}`,
			want: quay.Entry{Issuer: "https://i", Subject: "s", Audiences: []string{"quay", "x"}}, restricted: true, loses: true},
		{name: "a later Quay", text: `{"id":"7","version":1,"issuer":"https://i","subject":"s","audiences":["quay"],"api_scopes":"repo:read"}`,
			want:       quay.Entry{ID: "7", Issuer: "https://i", Subject: "s", Audiences: []string{"quay"}, APIScopes: "repo:read"},
			restricted: true},
		{name: "no audiences", text: `{"issuer":"https://i","subject":"s","audiences":[ ]}`, want: quay.Entry{Issuer: "https://i", Subject: "s", Audiences: []string{}}},
		{name: "null", text: `{"issuer":"https://i","subject":"s","audiences":null}`, want: quay.Entry{Issuer: "https://i", Subject: "s"}},
		{name: "broken audiences", text: `{"issuer":"https://i","subject":"s","audiences":[1]}`,
			want: quay.Entry{Issuer: "https://i", Subject: "s"}, restricted: true, loses: true},
		{name: "other types", text: `{"issuer":7,"subject":null,"id":{}}`, want: quay.Entry{}},
		{name: "another case is another field", text: `{"Issuer":"https://i","subject":"s"}`, want: quay.Entry{Subject: "s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries := parseEntries(t, "["+test.text+"]")
			got := entries[0]
			if got.ID != test.want.ID || got.Issuer != test.want.Issuer || got.Subject != test.want.Subject ||
				got.APIScopes != test.want.APIScopes || !slices.Equal(got.Audiences, test.want.Audiences) {
				t.Errorf("got %+v", got)
			}
			if got.Restricted() != test.restricted || got.LosesAudiences() != test.loses {
				t.Errorf("restricted %t, loses %t", got.Restricted(), got.LosesAudiences())
			}
		})
	}
}

func TestOtherAnswersAreNoEntries(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{}`, `"x"`, `[}`, `<html>`, `["x"]`, `[{},null]`, `[{},{},[]]`} {
		var entries quay.Entries
		if err := json.Unmarshal([]byte(text), &entries); err == nil {
			t.Errorf("%s: %v", text, entries)
		}
	}
	if entries := parseEntries(t, " [] "); entries == nil || len(entries) != 0 {
		t.Errorf("an empty list became %#v", entries)
	}
}

func TestListsAreCompared(t *testing.T) {
	t.Parallel()
	const a, b = `{"issuer":"https://i","subject":"a"}`, `{"issuer":"https://i","subject":"b","audiences":["x"]}`
	for _, test := range []struct {
		name, before, after string
		want                []string
	}{
		{"same", a + "," + b, b + "," + a, nil},
		{"same in other words", a, `{ "subject" : "\u0061", "issuer": "https:\/\/i" }`, nil},
		{"added", a, a + "," + b, []string{`+ issuer https://i, subject b, audiences ["x"]`}},
		{"removed", a + "," + b, a, []string{`- issuer https://i, subject b, audiences ["x"]`}},
		{"field lost", b, `{"issuer":"https://i","subject":"b"}`, []string{`~ issuer https://i, subject b: audiences ["x"] -> none`}},
		{"field changed", b, `{"issuer":"https://i","subject":"b","audiences":["x", "y"]}`, []string{`~ issuer https://i, subject b: audiences ["x"] -> ["x","y"]`}},
		{"numbers keep their digits", `{"issuer":"i","subject":"s","n":9007199254740993}`, `{"issuer":"i","subject":"s","n":9007199254740992}`,
			[]string{`~ issuer i, subject s: n 9007199254740993 -> 9007199254740992`}},
		{"twice the same pair", a + "," + a, a, []string{`- issuer https://i, subject a`}},
	} {
		var got []string
		for _, d := range quay.Compare(parseEntries(t, "["+test.before+"]"), parseEntries(t, "["+test.after+"]")) {
			got = append(got, d.String())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// randomList is a stored list as any Quay, or any hand, may have made it.
func randomList(random *rand.Rand) string {
	value := func() string {
		return []string{`null`, `7`, `1.50`, `"<&>é\u2028"`, `["quay"]`, `[]`, `{"b":1,"a":[{}]}`, `9007199254740993`, `true`}[random.IntN(9)]
	}
	var list []string
	for i := range random.IntN(6) {
		fields := []string{fmt.Sprintf(`"issuer": "https://issuer.example/%d"`, random.IntN(3)), fmt.Sprintf(`"subject":"subject-%d"`, i)}
		for _, name := range []string{"id", "version", "audiences", "api_scopes", "x-unknown", "Issuer"} {
			if random.IntN(2) == 0 {
				fields = append(fields, fmt.Sprintf("%q : %s", name, value()))
			}
		}
		random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		list = append(list, "{"+strings.Join(fields, " ,")+"}")
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func TestAddThenRemoveGivesBackTheIdenticalList(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		text := randomList(random)
		stored := parseEntries(t, text)
		before := encode(t, stored)
		added := quay.NewEntry("https://issuer.example/1", "ours", "quay")
		with := stored.With(added)
		if len(with) != len(stored)+1 || len(quay.Compare(stored, with)) != 1 {
			t.Fatalf("seed %d: %s with one more is %s", seed, text, encode(t, with))
		}
		after := encode(t, parseEntries(t, encode(t, with)).Without(added.Issuer, added.Subject))
		if after != before {
			t.Fatalf("seed %d: %s became %s", seed, before, after)
		}
		if d := quay.Compare(stored, parseEntries(t, after)); len(d) > 0 {
			t.Fatalf("seed %d: %v", seed, d)
		}
	}
}

func TestAnEntryIsReplacedInItsPlace(t *testing.T) {
	t.Parallel()
	stored := parseEntries(t, `[{"issuer":"i","subject":"a","x":1},{"issuer":"i","subject":"b"}]`)
	entry, found := stored.Find("i", "a")
	if _, other := stored.Find("I", "a"); !found || other {
		t.Fatal("found by another spelling, or not at all")
	}
	got := encode(t, stored.With(entry.WithAudiences([]string{"prod"})))
	if got != `[{"audiences":["prod"],"issuer":"i","subject":"a","x":1},{"issuer":"i","subject":"b"}]` {
		t.Errorf("got %s", got)
	}
	if encode(t, stored) != `[{"issuer":"i","subject":"a","x":1},{"issuer":"i","subject":"b"}]` {
		t.Errorf("the stored list changed too: %s", encode(t, stored))
	}
}

func FuzzEntries(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		f.Add([]byte(randomList(random)))
	}
	f.Add([]byte(`[{"issuer":"i","issuer":"j","subject":"s"}]`))
	f.Add([]byte("[{\"issuer\":\"\xff\"}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var entries quay.Entries
		if json.Unmarshal(text, &entries) != nil {
			return
		}
		again := parseEntries(t, encode(t, entries))
		if d := quay.Compare(entries, again); len(d) > 0 {
			t.Errorf("sent back, %q differs: %v", text, d)
		}
		if d := quay.Compare(entries, entries.With(quay.NewEntry("https://ours", "ours")).Without("https://ours", "ours")); len(d) > 0 {
			if _, there := entries.Find("https://ours", "ours"); !there {
				t.Errorf("add and remove change %q: %v", text, d)
			}
		}
	})
}
