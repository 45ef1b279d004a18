// SPDX-License-Identifier: Apache-2.0

package platform_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
)

var update = flag.Bool("update", false, "write the golden files anew")

// full is a message that says a text in every place.
func full(text string) platform.Message {
	return platform.Message{
		Text: text, Said: text, Reason: "code", Hints: []string{text}, Notes: []string{text}, More: []string{text},
		Steps: []platform.Step{{Text: text, Values: []platform.Value{{Name: "Issuer URL", Value: text}, {Name: "Subject", Value: text}}, Command: text}},
	}
}

// A summary shows what others wrote as it is, in blocks that nothing ends.
func TestSummaryOfAnError(t *testing.T) {
	t.Parallel()
	for _, text := range append([]string{"a ```\n``` b ````", "| ` \\"}, hostile[:len(hostile)-2]...) {
		variables := githubJob(t)
		detect(variables, &bytes.Buffer{}).Fail(full(text))
		blocks, open := blocksOf(read(t, variables["GITHUB_STEP_SUMMARY"]))
		if len(blocks) < 4 || len(blocks) > 5 || open {
			t.Errorf("%q: the blocks are %q", text, blocks)
		}
	}
}

// blocksOf are the lines in a text's blocks of code, and whether the last one has
// no end.
func blocksOf(markdown string) (blocks []string, open bool) {
	fence := ""
	for _, line := range strings.Split(markdown, "\n") {
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence != "" && line == fence:
			fence = ""
		case fence != "":
			blocks = append(blocks, line)
		}
	}
	return blocks, fence != ""
}

// jobs are the variables by which each platform is found.
var jobs = map[string]map[string]string{
	"github":   {"GITHUB_ACTIONS": "true"},
	"gitlab":   {"GITLAB_CI": "true"},
	"tekton":   {"TEKTON_RESULT_REGISTRY": "/tekton/results/registry"},
	"terminal": {},
}

// detect finds the platform of a job that writes into out.
func detect(variables map[string]string, out *bytes.Buffer) platform.Platform {
	return platform.Detect(platform.Env{Getenv: func(name string) string { return variables[name] }, Words: out})
}

// hostile are words of somebody else, as an answer or a name could hold them.
var hostile = []string{
	"two\nlines",
	"a\r\nb\rc\vd\fe",
	"::error::not ours",
	"  ::add-path::/tmp/evil",
	"\t::set-env name=A::b",
	"\u00a0::stop-commands::x",
	"\u2003::add-mask::a",
	"\ufeff::debug::a",
	"x\n::error file=a,line=1::not ours",
	"x\u2028::error::not ours\u0085::error::nor this",
	"##[add-path]/tmp/evil",
	"words ##[group]and ###[error]more ##[",
	"x\n##[set-env name=A;]b",
	"%0A::error::not ours%0D%0A%25",
	"\x1b[2J\x1b[1;1H\x1b]0;title\x07red\x1b[31m",
	"\x9b2J \u009b2J \b\b\b\x7f\x00",
	"\u202etxt.exe\u202c \u2066a\u2069 \u200b\u200d\u00ad",
	"\xff\xfe not UTF-8",
	"<script>alert(1)</script> <img src=x onerror=a>",
	"[link](javascript:a) **bold** | cell | `code`",
	"$(id) `id` ${HOME} ; id & id | id > f",
	"section_start:1:x\r\x1b[0Kheader",
	"",
	" ",
}

// say says everything that a platform can say with a text.
func say(h platform.Platform, text string) {
	h.Notice(text)
	h.Warn(platform.Message{Text: text})
	h.Warn(platform.Message{Text: "a warning", Hints: []string{text, "a hint"}})
	h.Fail(full(text))
}

func TestGoldenWords(t *testing.T) {
	t.Parallel()
	for name, variables := range jobs {
		var out bytes.Buffer
		h := detect(variables, &out)
		for _, text := range append([]string{`quay.io refused: "Token does not match robot" (HTTP 400)`}, hostile...) {
			say(h, text)
		}
		golden := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil { //nolint:gosec // public
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s says other words than %s (go test -update writes it anew):\n%s", name, golden, out.String())
		}
	}
}

// disturbs reports what moves a terminal's cursor, colours, hides or reorders.
func disturbs(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
}

// sections are the marks of GitLab's log, which are ours.
var sections = regexp.MustCompile(`(?m)^section_(start|end):0:quay_keyless\r\x1b\[0K`)

func TestWordsDisturbNoTerminal(t *testing.T) {
	t.Parallel()
	for name, variables := range jobs {
		var plain bytes.Buffer
		say(detect(variables, &plain), "words")
		for _, text := range hostile[:len(hostile)-2] { // without the empty ones
			var out bytes.Buffer
			say(detect(variables, &out), text)
			said := sections.ReplaceAllString(out.String(), "")
			if i := strings.IndexFunc(said, disturbs); i >= 0 {
				t.Errorf("%s: %q has %q in it", name, said, said[i:])
			}
			if lines, want := strings.Count(said, "\n"), strings.Count(plain.String(), "\n"); lines != want {
				t.Errorf("%s: %q became %d lines, want %d", name, text, lines, want)
			}
		}
	}
}

// command is what GitHub's runner takes a line for: both of its forms, as in
// ActionCommand.cs of actions/runner.
func command(line string) (name, data string, ok bool) {
	if trimmed := strings.TrimLeftFunc(line, unicode.IsSpace); strings.HasPrefix(trimmed, "::") {
		head, data, found := strings.Cut(trimmed[2:], "::")
		name, _, _ := strings.Cut(head, " ")
		return name, data, found
	}
	if _, after, found := strings.Cut(line, "##["); found {
		head, data, closed := strings.Cut(after, "]")
		name, _, _ := strings.Cut(head, " ")
		return name, data, closed
	}
	return "", "", false
}

func TestNoForeignCommands(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		var out bytes.Buffer
		h := detect(jobs["github"], &out)
		h.Notice(text)
		if name, _, ok := command(strings.TrimSuffix(out.String(), "\n")); ok {
			t.Errorf("the notice %q is the command %s", text, name)
		}
		if name, _, ok := command(new(platform.Secrets).Line(text)); ok { // on standard output
			t.Errorf("the line %q is the command %s", text, name)
		}
		out.Reset()
		h.Warn(platform.Message{Text: text, Hints: []string{text}})
		h.Fail(full(text))
		want := []string{"warning", "error"} // and nothing in the open log after them
		for i, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
			name, data, ok := command(line)
			if i >= len(want) {
				want = append(want, "")
			}
			if ok != (want[i] != "") || name != want[i] {
				t.Errorf("%q: line %d is %q", text, i, line)
			}
			decoded := strings.NewReplacer("%0A", "\n", "%0D", "\r", "%25", "%").Replace(data)
			if ok && strings.Count(decoded, "\n") > 1 {
				t.Errorf("%q: the annotation shows %q", text, decoded)
			}
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for name, variables := range jobs {
		var out bytes.Buffer
		h := detect(variables, &out)
		h.Mask(idtoken.Secret{})
		h.Mask(idtoken.NewSecret(""))
		if out.Len() != 0 {
			t.Errorf("%s masks nothing: %q", name, out.String())
		}
		h.Mask(idtoken.NewSecret("hunter2"))
		h.Mask(idtoken.NewSecret("100%\nhunter3"))
		if out.Len() != 0 {
			t.Errorf("%s, without a runner: %q", name, out.String())
		}
	}
	for _, variable := range []string{"GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE"} {
		variables := map[string]string{"GITHUB_ACTIONS": "true", variable: fileCommand(t)}
		var out bytes.Buffer
		h := detect(variables, &out)
		h.Mask(idtoken.NewSecret("hunter2"))
		h.Mask(idtoken.NewSecret("100%\nhunter3"))
		h.Mask(idtoken.NewSecret("\x1b[2Jhunter4")) // which a log would not show
		h.Mask(idtoken.NewSecret("hunter5\xff"))
		if want := "::add-mask::hunter2\n::add-mask::100%25%0Ahunter3\n"; out.String() != want {
			t.Errorf("%s: %q, want %q", variable, out.String(), want)
		}
		variables[variable] += "-of-another-step"
		out.Reset()
		if detect(variables, &out).Mask(idtoken.NewSecret("hunter2")); out.Len() != 0 {
			t.Errorf("%s names no file: %q", variable, out.String())
		}
	}
}

// fileCommand is a file as a runner of GitHub's makes it for a step.
func fileCommand(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "set_env")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// closed is a log that nobody reads.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestClosedLog(t *testing.T) {
	t.Parallel()
	for _, variables := range jobs {
		h := platform.Detect(platform.Env{Getenv: func(name string) string { return variables[name] }, Words: closed{}})
		h.Mask(idtoken.NewSecret("hunter2")) // and no panic
		say(h, "words")
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	made := fileCommand(t)
	for _, test := range []struct {
		variables map[string]string
		want      string
	}{
		{map[string]string{}, "terminal"},
		{map[string]string{"CI": "true"}, "terminal"},
		{map[string]string{"GITHUB_ACTIONS": "true"}, "github"},
		{map[string]string{"GITHUB_ACTIONS": "false"}, "terminal"},
		{map[string]string{"GITHUB_ACTIONS": "1", "GITHUB_OUTPUT": "/x"}, "terminal"},
		{map[string]string{"GITLAB_CI": "true"}, "gitlab"},
		{map[string]string{"GITLAB_CI": "yes"}, "terminal"},
		{map[string]string{"TEKTON_RESULT_REGISTRY": "/tekton/results/registry"}, "tekton"},
		{map[string]string{"TEKTON_RESULT_USERNAME": "/tekton/results/username"}, "terminal"},
		{map[string]string{"GITHUB_ACTIONS": "true", "GITLAB_CI": "true"}, "gitlab"},
		{map[string]string{"GITHUB_ACTIONS": "true", "TEKTON_RESULT_REGISTRY": "/x"}, "tekton"},
		{map[string]string{"GITHUB_ACTIONS": "true", "GITLAB_CI": "true", "TEKTON_RESULT_REGISTRY": "/x", "GITHUB_STATE": made}, "github"},
		{map[string]string{"GITLAB_CI": "true", "TEKTON_RESULT_REGISTRY": "/x"}, "gitlab"},
	} {
		if got := detect(test.variables, &bytes.Buffer{}).Name(); got != test.want {
			t.Errorf("%v: %s, want %s", test.variables, got, test.want)
		}
	}
}

// A proxy may show the request that it refused: neither a token nor the base64 of
// a login, which an auth file has, is repeated.
func TestTokensAreNotWords(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhY21lK2NpIn0.c2lnbmF0dXJl"
	for text, want := range map[string]string{
		"refused " + token + ".": "refused [a JWT].",
		"Basic " + base64.RawStdEncoding.EncodeToString([]byte("acme+ci:"+token)) + " refused":    "Basic [a login] refused",
		"Basic " + base64.RawStdEncoding.EncodeToString([]byte("acme+robot:"+token)) + " refused": "Basic [a login] refused",
		"a digest 0123456789abcdef0123456789abcdef0123456789abcdef":                               "a digest 0123456789abcdef0123456789abcdef0123456789abcdef",
	} {
		var words bytes.Buffer
		platform.Detect(platform.Env{Getenv: func(string) string { return "" }, Words: &words, Results: &words}).Warn(platform.Message{Text: text})
		if got := words.String(); got != "warning: "+want+"\n" {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
