// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"quay-keyless/internal/quay"
)

// TestEveryReasonHasACase fails for a reason that package quay knows and the
// table does not.
func TestEveryReasonHasACase(t *testing.T) {
	t.Parallel()
	met := map[quay.Reason]bool{}
	for _, c := range contractCases() {
		met[c.reason] = true
	}
	for _, c := range apiCases() {
		met[c.reason] = true
	}
	for name, value := range reasons(t) {
		if !met[value] {
			t.Errorf("no case for quay.%s", name)
		}
	}
}

// reasons are the constants of package quay, by name.
func reasons(t *testing.T) map[string]quay.Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "internal", "quay", "refusal.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]quay.Reason{}
	for _, declaration := range file.Decls {
		constants, ok := declaration.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST || !ofReason(constants) {
			continue
		}
		for _, spec := range constants.Specs {
			value := spec.(*ast.ValueSpec)
			code, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found[value.Names[0].Name] = quay.Reason(code)
		}
	}
	if found["Unrecognized"] != quay.Unrecognized {
		t.Fatalf("the reasons are not where they were: %v", found)
	}
	return found
}

func ofReason(constants *ast.GenDecl) bool {
	kind, ok := constants.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident)
	return ok && kind.Name == "Reason"
}

// neverMet are recordings of what this client cannot meet.
var neverMet = map[string]string{
	"method POST":     "it asks by GET only",
	"method PUT":      "it asks by GET only",
	"method HEAD":     "it asks by GET only",
	"method OPTIONS":  "it asks by GET only",
	"v2 other robot":  "it believes no robot token of another robot",
	"v2 bad sig":      "it sends robot tokens as they came; to it the answer is that of registry-500",
	"v2 unknown kid":  "the same",
	"v2 CI token":     "it shows the registry robot tokens only",
	"v2 wrong static": "it knows no static passwords",
}

var recordedTitle = regexp.MustCompile(`^HTML, title "(.*)"$`)

// recordedAnswer is an answer of testdata/quay/replies.json, as it looks from
// outside: recordings were made without the front that answers 502 where Quay
// closes the connection.
func recordedAnswer(status any, body string) answer {
	number, ok := status.(float64)
	if !ok {
		return loading
	}
	body = strings.ReplaceAll(body, "https://issuer.example/", "<issuers>/")
	return answer{int(number), recordedTitle.ReplaceAllString(body, "page: $1")}
}

// recordings are what a real Quay answered, by case and release.
func recordings(t *testing.T) map[string]map[string]struct {
	Status any
	Body   string
} {
	t.Helper()
	var file struct {
		Cases map[string]map[string]struct {
			Status any
			Body   string
		}
	}
	if err := json.Unmarshal(mustRead(t, filepath.Join("..", "..", "testdata", "quay", "replies.json")), &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// TestRecordings holds the table to what a real Quay was seen to answer, and
// the recordings to the table: each is met by a case or is in neverMet.
func TestRecordings(t *testing.T) {
	t.Parallel()
	recorded := recordings(t)
	met := map[string]bool{}
	for _, c := range contractCases() {
		if c.recorded == "" {
			continue
		}
		met[c.recorded] = true
		for _, release := range c.releases() {
			answered, ok := recorded[c.recorded][map[string]string{"3.18": "3.18+", "3.16.2": "3.16.2"}[release]]
			if !ok {
				t.Errorf("%s: there is no recording %q of %s", c.name, c.recorded, release)
			} else if got := recordedAnswer(answered.Status, answered.Body); got != c.exchange && got != c.auth {
				t.Errorf("%s: a real Quay %s answers %d %s, the table says %d %s", c.name, release,
					got.status, got.body, c.exchange.status, c.exchange.body)
			}
		}
	}
	for name := range recorded {
		configures := strings.HasPrefix(name, "fed ") || strings.HasPrefix(name, "user ") // the API, not the exchange
		if why, never := neverMet[name]; !configures && met[name] == never {
			t.Errorf("recording %q: a case meets it: %v, in neverMet: %v %s", name, met[name], never, why)
		}
	}
}
