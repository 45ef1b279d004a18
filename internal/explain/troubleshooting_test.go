// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

var update = flag.Bool("update", false, "write docs/troubleshooting.md's blocks and tables anew")

// pieces are the parts of the page that are made here: a comment that names
// one, and what follows up to the next line that is empty outside of a block.
var pieces = regexp.MustCompile("(?m)^<!-- (golden|table): ([^ ]+) -->\n(?:\n?```text\n(?s:.*?)\n```\n|\n?(?:\\|.*\n)+)?")

// The page that people find by Quay's words has the words of the program, and
// all of them.
func TestTroubleshooting(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "troubleshooting.md")
	was := readFileOf(t, path)
	shown := map[string]bool{}
	page := pieces.ReplaceAllStringFunc(was, func(piece string) string {
		found := pieces.FindStringSubmatch(piece)
		kind, name := found[1], found[2]
		shown[name] = true
		if kind == "table" {
			return fmt.Sprintf("<!-- %s: %s -->\n\n%s", kind, name, pageTables[name](t))
		}
		made := "```text\n" + asShown(readFileOf(t, goldenPath(name))) + "```\n"
		return fmt.Sprintf("<!-- %s: %s -->\n\n%s", kind, name, made)
	})
	for name := range pageTables {
		if !shown[name] {
			t.Errorf("the page has no table %s", name)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil { //nolint:gosec // public
			t.Fatal(err)
		}
	} else if page != was {
		t.Errorf("%s is not up to date: go test ./internal/explain -run TestTroubleshooting -update", path)
	}
	everyError(t, page)
}

func goldenPath(name string) string {
	return filepath.Join("..", "..", "testdata", "contract", name+".golden")
}

func readFileOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// names are what the page has in the place of the golden files' placeholders.
var names = strings.NewReplacer(
	"<subject>-other", "repo:acme/app:ref:refs/heads/other",
	"<quay>", "quay.example.com", "<quay over http>", "quay.example.com", "<robot>", "acme+ci", "<robot without federation>", "acme+nofed",
	"<organization>", "acme", "<the API's robot>", "/organization/acme/robots/ci/", "<the API's robot without federation>", "/organization/acme/robots/nofed/",
	"<issuers>/good", "https://issuer.example.com", "<issuers>", "https://issuer.example.com", "<untrusted>", "https://issuer.example.com",
	"<subject>", "repo:acme/app:ref:refs/heads/main", "<audience>", "quay", "<writable repository>", "acme/app", "<readable repository>", "acme/base",
	"<kid>", "key-1", "<time>", "2026-11-22 09:00:00 UTC", "<number>", "17", "<duration>", "2m0s",
)

// asShown is a golden file without the lines before the error.
func asShown(golden string) string {
	_, after, _ := strings.Cut("\n"+golden, "\nerror: ")
	return names.Replace("error: " + after)
}

// everyError looks for the words of each error in the page.
func everyError(t *testing.T, page string) {
	t.Helper()
	files, err := filepath.Glob(goldenPath("*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		_, after, failed := strings.Cut("\n"+readFileOf(t, file), "\nerror: ")
		line, _, _ := strings.Cut(after, "\n")
		if words := searched(line); failed && !strings.HasPrefix(line, "robot ") && !strings.Contains(page, words) {
			t.Errorf("the page has no %q, which %s says", words, file)
		}
	}
}

// searched is what people search for: an error without its names.
func searched(line string) string {
	if quoted := regexp.MustCompile(`refused: "((?:[^"\\]|\\.)*)"`).FindStringSubmatch(line); quoted != nil {
		line = strings.ReplaceAll(quoted[1], `\"`, `"`)
	}
	for _, row := range []struct{ pattern, replacement string }{
		{`^issuer \S+ not`, "issuer ... not"},
		{`Issuer '[^']*' not in configured issuers: \['[^']*'\]`, "Issuer '...' not in configured issuers: ['...']"},
		{`^Invalid token: `, ""},
		{`^Robot <robot> owner <organization>`, "Robot ... owner ..."},
		{`^.* grants \S+ (no \S+) on .*`, "grants ... $1 on ..."},
		{`^<quay> | \(HTTP \d+\)$| \(tried \d times\)$`, ""},
		{`^the ID token (from the variable ID_TOKEN )?`, ""},
		{`^the (exchange|token endpoint|registry) at <[^>]*>: |^the token endpoint of <quay>: `, ""},
		{`^the registry at \S+ over http> redirects .*`, "redirects /v2/ to"},
		{`^stream error.*`, "stream error"},
		{`^(has) (<number>|2) .*|^(expired) .*`, "$1$3"},
	} {
		line = regexp.MustCompile(row.pattern).ReplaceAllString(line, row.replacement)
	}
	return line
}

// pageTables are the tables of the page, made of those in the code.
var pageTables = map[string]func(*testing.T) string{
	"id-token": idTokenTable, "traits": traitTable, "network": networkTable, "api": apiTable,
}

// rows is a table of Markdown.
func rows(head string, rows [][]string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "| %s | what to do |\n| --- | --- |\n", head)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`).Replace(cell)
		}
		fmt.Fprintf(&text, "| %s | %s |\n", row[0], strings.Join(row[1:], "<br>"))
	}
	return text.String()
}

func idTokenTable(t *testing.T) string {
	t.Helper()
	var list [][]string
	for problem := idtoken.NoSource; problem <= idtoken.NoSecretThere; problem++ {
		cures := idTokenCures[problem]
		switch {
		case problem == idtoken.UnknownSource: // its words are its cure
		case len(cures) == 0:
			t.Errorf("no cure for the problem %d: %s", problem, &idtoken.Error{Problem: problem, Source: "..."})
		case problem == idtoken.NoSource:
			list = append(list, append([]string{(&idtoken.Error{Problem: problem}).Error()}, cures...))
		default:
			list = append(list, append([]string{(&idtoken.Error{Problem: problem, Source: "...", Detail: details[problem]}).Error()}, cures...))
		}
	}
	for _, source := range slices.Sorted(maps.Keys(deniedCures)) {
		words := (&idtoken.Error{Problem: idtoken.Denied, Source: source, Detail: "was denied with HTTP 4.."}).Error()
		list = append(list, append([]string{words}, deniedCures[source]...))
	}
	return rows("message", list)
}

// details are the words of problems that are told more closely, as they are
// after "the ID token from ...".
var details = map[idtoken.Problem]string{
	idtoken.NoPermission:    "is not offered: the job lacks the permission id-token: write",
	idtoken.ForkPullRequest: "is not offered to a pull request from a fork",
	idtoken.Dependabot:      "is not offered to a job that Dependabot started",
	idtoken.Denied:          "was denied with HTTP 4..: ...",
	idtoken.TooLong:         "has ... bytes, too many for the header that carries it to Quay",
	idtoken.Expired:         "expired ... ago",
	idtoken.NotJWT:          "is not a JWT, has no signature: it was cut on its way",
	idtoken.SeveralLines:    "has white space inside, has 2 lines",
	idtoken.WrongAlgorithm:  "is signed with ES256, and Quay takes RS256 and RS384 only",
	idtoken.NotOIDC:         "cannot be asked for: there is no OIDC provider at ...",
	idtoken.OtherIssuer:     "is not asked for: the provider at ... calls itself ...",
	idtoken.NoSuchFlow:      "cannot be asked for: the provider has no device_authorization_endpoint",
	idtoken.WrongClient:     `was denied: invalid_client "..." (HTTP 401); unauthorized_client "..." (HTTP 401)`,
	idtoken.WrongLogin:      `was denied: invalid_grant "..." (HTTP 400)`,
	idtoken.FlowForbidden:   `was denied: unauthorized_client "..." (HTTP 400); unsupported_grant_type "..." (HTTP 400)`,
	idtoken.WrongScope:      `was denied: invalid_scope "..." (HTTP 400)`,
	idtoken.NotThisLogin:    "is not of this login: its nonce is another; is for ..., not for the client ...",
	idtoken.NoSecretThere:   "cannot be asked for: the client's secret is not in the variable ...",
}

func traitTable(*testing.T) string {
	var list [][]string
	for _, trait := range traits {
		claims := traitSamples[trait.name]
		cure := trait.cure
		if len(cure) == 0 {
			cure = []string{"enter the federation entry that is shown"}
		}
		list = append(list, append([]string{trait.Text(claims)}, cure...))
	}
	return rows("what the ID token tells", list)
}

func networkTable(*testing.T) string {
	errs := []struct {
		words string
		err   error
	}{
		{"certificate signed by unknown authority, in a container without CA certificates", &endpoint.NoRoots{Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}},
		{"certificate signed by unknown authority", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}},
		{"certificate is valid for ..., not ...; certificate has expired or is not yet valid", &tls.CertificateVerificationError{Err: x509.HostnameError{}}},
		{"first record does not look like a TLS handshake", tls.RecordHeaderError{}},
		{"proxyconnect tcp: ...", &net.OpError{Op: "proxyconnect", Err: net.ErrClosed}},
		{"no such host", &net.DNSError{}},
		{"connection refused, and everything else", net.ErrClosed},
	}
	var list [][]string
	for _, e := range errs {
		list = append(list, append([]string{e.words}, NetworkHints(&endpoint.Unreachable{Err: e.err})...))
	}
	return rows("message", list)
}

func apiTable(t *testing.T) string {
	t.Helper()
	robot, err := quay.ParseRobot("acme+ci")
	if err != nil {
		t.Fatal(err)
	}
	var list [][]string
	reasons := slices.Sorted(maps.Keys(apiCures))
	slices.SortStableFunc(reasons, func(a, b quay.Reason) int { return len(apiWords[b]) - len(apiWords[a]) })
	for _, reason := range reasons {
		words, known := apiWords[reason]
		if !known {
			t.Errorf("the page has no words of Quay's for the reason %d", reason)
		}
		r := &federation.RefusedAPI{Target: request.Target{Registry: quay.Registry{Host: "quay.example.com"}, Robot: robot}, Scopes: federation.ScopeOrganization, Err: &quay.Refusal{Reason: reason}}
		list = append(list, append([]string{words}, apiHints(r)...))
	}
	return rows("Quay's words", list)
}

// apiWords are how Quay says each.
var apiWords = map[quay.Reason]string{
	quay.Unrecognized: "anything else",
	quay.NoSuchRobot:  "Could not find robot with specified username",
	quay.BadAPIToken:  "Requires authentication (invalid_token); CSRF token was invalid or missing.",
	quay.NotAllowed:   "Unauthorized (insufficient_scope)",
	quay.NoAPI:        "HTTP 404, 405 or 308",
	quay.ReadOnly:     "System is currently read-only.",

	quay.NoOwner:        "Organization does not exist; Unauthorized or Could not find robot, and /api/v1/organization/NAME answers 404",
	quay.NotOwner:       "Organization does not exist, of a person's name",
	quay.RobotsDisabled: "Robot accounts have been disabled.",
}
