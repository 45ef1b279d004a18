// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// organizationCase is one answer of testdata/quay/org-replies.json.
type organizationCase struct {
	name        string
	Request     string
	Sent        any
	AskedBy     string `json:"asked_by"`
	Scopes      string
	Status      int
	ContentType string `json:"content_type"`
	Body        string
}

// organizationCases are in the order in which Quay was asked: each changes what
// the next ones find.
func organizationCases(t *testing.T) []organizationCase {
	t.Helper()
	text, err := os.ReadFile("../../testdata/quay/org-replies.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases json.RawMessage }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(file.Cases))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	var cases []organizationCase
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		c := organizationCase{name: fmt.Sprint(name)}
		if err := decoder.Decode(&c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// shapes are values that differ with each recording.
var shapes = []*regexp.Regexp{
	regexp.MustCompile(`^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d -0000$`),
	regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`),
	regexp.MustCompile(`^gAAAAA`),
}

var more = regexp.MustCompile(`^… (\d+) more$`)

// difference tells where an answer differs from the recorded one, in which "..."
// stands for a secret, {…} for an avatar and "… N more" for the rest of a list.
// With part, there may be more members and, of a list of objects, more objects.
func difference(at string, got, want any, part bool) string {
	switch want := want.(type) {
	case map[string]any:
		return differentObject(at, got, want, part)
	case []any:
		return differentList(at, got, want, part)
	case string:
		text, isText := got.(string)
		same := func(shape *regexp.Regexp) bool { return shape.MatchString(want) && shape.MatchString(text) }
		_, isObject := got.(map[string]any)
		switch {
		case want == "{…}" && isObject, want == "..." && text != "", isText && slices.ContainsFunc(shapes, same),
			net.ParseIP(want) != nil && net.ParseIP(text) != nil, strings.HasSuffix(at, "agent") && isText, text == want && isText:
			return ""
		}
	default:
		if got == want {
			return ""
		}
	}
	return fmt.Sprintf("%s is %v, want %v", at, got, want)
}

func differentObject(at string, got any, want map[string]any, part bool) string {
	object, ok := got.(map[string]any)
	names := slices.Sorted(maps.Keys(want))
	if has := slices.Sorted(maps.Keys(object)); !ok || !part && !slices.Equal(has, names) {
		return fmt.Sprintf("%s has %v, want %v", at, has, names)
	}
	for _, name := range names {
		if name == "next_page" && part { // of how much is left out
			continue
		}
		if d := difference(at+"."+name, object[name], want[name], part); d != "" {
			return d
		}
	}
	return ""
}

// differentList compares elements in their order, but robots by their names: Quay
// lists them in more than one order.
func differentList(at string, got any, want []any, part bool) string {
	list, ok := got.([]any)
	if last := len(want) - 1; last >= 0 {
		if rest := more.FindStringSubmatch(fmt.Sprint(want[last])); rest != nil {
			n, _ := strconv.Atoi(rest[1])
			if len(list) != last+n {
				return fmt.Sprintf("%s has %d elements, want %d", at, len(list), last+n)
			}
			want, part = want[:last], true
		}
	}
	if !ok || !part && len(list) != len(want) {
		return fmt.Sprintf("%s is %v, want %v", at, got, want)
	}
	for i, element := range want {
		if !part && !strings.HasSuffix(at, ".robots") {
			if d := difference(fmt.Sprintf("%s[%d]", at, i), list[i], element, false); d != "" {
				return d
			}
			continue
		}
		found := slices.IndexFunc(list, func(e any) bool { return difference(at, e, element, false) == "" })
		if found < 0 {
			return fmt.Sprintf("%s has no %v in %v", at, element, list)
		}
		if strings.HasSuffix(at, ".robots") {
			list = slices.Delete(slices.Clone(list), found, found+1)
		} else {
			list = list[found+1:]
		}
	}
	return ""
}
