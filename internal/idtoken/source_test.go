// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"quay-keyless/internal/idtoken"
)

const (
	tokenFile     = "/secrets/token"
	projected     = "/var/run/secrets/quay/token"
	apiCredential = "/var/run/secrets/kubernetes.io/serviceaccount/token"
)

// The text that any source may hold, through each of the sources that read it.
func TestUsableText(t *testing.T) {
	t.Parallel()
	token := good(t)
	tests := []struct {
		name, text string
		want       idtoken.Problem // "": usable
		words      string
	}{
		{"as it should be", token, "", ""},
		{"newline", token + "\n", "", ""},
		{"Windows newline", token + "\r\n", "", ""},
		{"space around", " \t" + token + " \n\n", "", ""},
		{"only space", " \n", idtoken.Empty, "is empty"},
		{"two lines", token + "\n" + token, idtoken.SeveralLines, "has 2 lines"},
		{"three lines", "a\nb\nc\n", idtoken.SeveralLines, "has 3 lines"},
		{"two Windows lines", token + "\r\n" + token + "\r\n", idtoken.SeveralLines, "has 2 lines"},
		{"two lines of an old Mac", token + "\r" + token, idtoken.SeveralLines, "has 2 lines"},
		{"space inside", "Bearer " + token, idtoken.SeveralLines, "contains white space"},
		{"tab inside", token + "\t" + token, idtoken.SeveralLines, "contains white space"},
		{"no-break space inside", "Bearer\u00a0" + token, idtoken.SeveralLines, "contains white space"},
		{"words", "hunter2", idtoken.NotJWT, "is not a JWT"},
		{"JSON", `{"value":"` + token + `"}`, idtoken.NotJWT, "is not a JWT"},
		{"quoted", `"` + token + `"`, idtoken.NotJWT, "is not a JWT"},
		{"byte order mark", "\ufeff" + token, idtoken.NotJWT, "is not a JWT"},
		{"NUL", token + "\x00", idtoken.NotJWT, "is not a JWT"},
	}
	for _, test := range tests {
		env := job{
			variables: map[string]string{"MY_TOKEN": test.text, "QUAY_ID_TOKEN": test.text},
			files:     map[string]string{tokenFile: test.text, projected: test.text},
		}.env()
		env.Stdin = strings.NewReader(test.text)
		for _, source := range []idtoken.Source{
			idtoken.File(env, tokenFile), idtoken.Variable(env, "MY_TOKEN"), idtoken.Stdin(env),
			named(env, "gitlab"), named(env, "kubernetes"),
		} {
			got, err := source.IDToken(t.Context(), "quay")
			switch {
			case test.want == "" && (err != nil || got.Reveal() != token):
				t.Errorf("%s from %s: %v", test.name, source.Name, err)
			case problem(err) != test.want:
				t.Errorf("%s from %s: problem %s, %v", test.name, source.Name, problem(err), err)
			case test.want != "" && (!strings.HasSuffix(err.Error(), " "+test.words) || !strings.HasPrefix(err.Error(), "the ID token from ")):
				t.Errorf("%s from %s: %v", test.name, source.Name, err)
			case err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "hunter2")):
				t.Errorf("%s from %s shows the token: %v", test.name, source.Name, err)
			}
		}
	}
}

func TestBrokenSources(t *testing.T) {
	t.Parallel()
	denied := job{errors: map[string]error{tokenFile: fs.ErrPermission, projected: fs.ErrPermission}}.env()
	empty := job{files: map[string]string{tokenFile: "", projected: ""}, stdin: strings.NewReader("")}.env()
	nothing := job{}.env()
	unreadable := job{stdin: iotest.ErrReader(errors.New("input/output error"))}.env()
	tests := []struct {
		source idtoken.Source
		want   idtoken.Problem
		words  string
	}{
		{idtoken.File(nothing, tokenFile), idtoken.NoFile, "no ID token from the file /secrets/token: no such file"},
		{idtoken.File(denied, tokenFile), idtoken.Unreadable, "the ID token from the file /secrets/token cannot be read: permission denied"},
		{idtoken.File(empty, tokenFile), idtoken.Empty, "the ID token from the file /secrets/token is empty"},
		{idtoken.Variable(nothing, "MY_TOKEN"), idtoken.NoVariable, "no ID token from the variable MY_TOKEN: it is not set"},
		{idtoken.Stdin(empty), idtoken.Empty, "the ID token from standard input is empty"},
		{idtoken.Stdin(unreadable), idtoken.Unreadable, "the ID token from standard input cannot be read: input/output error"},
		{named(nothing, "gitlab"), idtoken.NoIDTokens, "no ID token from gitlab: QUAY_ID_TOKEN is not set"},
		{named(nothing, "kubernetes"), idtoken.NoFile, "no ID token from the file " + projected + ": no such file"},
		{named(denied, "kubernetes"), idtoken.Unreadable, "the ID token from the file " + projected + " cannot be read: permission denied"},
		{named(empty, "kubernetes"), idtoken.Empty, "the ID token from the file " + projected + " is empty"},
	}
	for _, test := range tests {
		_, err := test.source.IDToken(t.Context(), "quay")
		if problem(err) != test.want || err.Error() != test.words {
			t.Errorf("got problem %s, %v\nwant %s, %s", problem(err), err, test.want, test.words)
		}
	}
	if _, err := idtoken.File(denied, tokenFile).IDToken(t.Context(), "quay"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v has lost its cause", err)
	}
}

// endless counts what was read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestEndlessInput(t *testing.T) {
	t.Parallel()
	input := &endless{}
	_, err := idtoken.Stdin(job{stdin: input}.env()).IDToken(t.Context(), "quay")
	if problem(err) == "" || input.read > 2<<20 {
		t.Errorf("read %d bytes, %v", input.read, err)
	}
}

func TestAPICredentialIsNeverSent(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		apiCredential,
		"/var/run/secrets/quay/../kubernetes.io/serviceaccount/token",
		"/run/secrets/kubernetes.io/serviceaccount/token",
		"/var/run/secrets/kubernetes.io/serviceaccount/..data/token",
		"./var/run/secrets/kubernetes.io/serviceaccount/token",
		"../../proc/self/root/var/run/secrets/kubernetes.io/serviceaccount/token",
		projected, // a link, or a volume mounted at the wrong place
	} {
		env := job{files: map[string]string{path: good(t), apiCredential: good(t)}}.env()
		if _, err := idtoken.File(env, path).IDToken(t.Context(), "quay"); problem(err) != idtoken.APICredential {
			t.Errorf("%s, which is the credential by another name: %v", path, err)
		}
		if path == apiCredential {
			continue
		}
		env = job{files: map[string]string{path: good(t), apiCredential: "another"}}.env()
		if _, err := idtoken.File(env, path).IDToken(t.Context(), "quay"); err != nil {
			t.Errorf("%s, which is another token: %v", path, err)
		}
	}
	env := job{files: map[string]string{apiCredential: good(t)}}.env()
	for _, source := range idtoken.Sources(env, idtoken.Settings{}) {
		if source.Present != nil && source.Present() {
			t.Errorf("%s takes a pod's API credential for its own", source.Name)
		}
	}
}

func TestPresence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		job  job
		want string // names of the sources that are present, in their order
	}{
		{"nothing", job{}, ""},
		{"GitHub", job{variables: map[string]string{"GITHUB_ACTIONS": "true"}}, "github"},
		{"like GitHub", job{variables: map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "https://forge.example/x"}}, "github"},
		{"GitHub, off", job{variables: map[string]string{"GITHUB_ACTIONS": "false"}}, ""},
		{"GitLab", job{variables: map[string]string{"GITLAB_CI": "true"}}, "gitlab"},
		{"like GitLab", job{variables: map[string]string{"QUAY_ID_TOKEN": "x"}}, "gitlab"},
		{"pod", job{files: map[string]string{projected: ""}}, "kubernetes"},
		{"pod with a file that cannot be read", job{errors: map[string]error{projected: fs.ErrPermission}}, "kubernetes"},
		{"all", job{variables: map[string]string{"GITLAB_CI": "true", "GITHUB_ACTIONS": "true"}, files: map[string]string{projected: "x"}}, "github gitlab kubernetes"},
		{"GitLab's runner in a pod", job{variables: map[string]string{"GITLAB_CI": "true"}, files: map[string]string{projected: "x"}}, "gitlab kubernetes"},
	}
	for _, test := range tests {
		var present []string
		for _, source := range idtoken.Sources(test.job.env(), idtoken.Settings{}) {
			if source.Present != nil && source.Present() {
				present = append(present, source.Name)
			}
		}
		if got := strings.Join(present, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		chosen, err := idtoken.Choose(test.job.env(), "auto", idtoken.Settings{})
		switch {
		case len(present) == 0 && problem(err) != idtoken.NoSource:
			t.Errorf("%s: chose %v, %v", test.name, chosen, err)
		case len(present) > 0 && (err != nil || chosen.Name != present[0]):
			t.Errorf("%s: chose %v, %v, want %s", test.name, chosen, err, present[0])
		}
	}
}

// A source that is there but broken is an error of its own: the next one, which
// would give a token, is not asked.
func TestNothingFallsThrough(t *testing.T) {
	t.Parallel()
	env := job{variables: map[string]string{"GITHUB_ACTIONS": "true", "QUAY_ID_TOKEN": good(t)}}.env()
	source, err := idtoken.Choose(env, "auto", idtoken.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.IDToken(t.Context(), "quay"); problem(err) != idtoken.NoPermission {
		t.Errorf("got %v", err)
	}
}

func TestChooseByName(t *testing.T) {
	t.Parallel()
	env := job{variables: map[string]string{"GITHUB_ACTIONS": "true"}}.env()
	for _, name := range []string{"github", "gitlab", "kubernetes"} {
		if source, err := idtoken.Choose(env, name, idtoken.Settings{}); err != nil || source.Name != name {
			t.Errorf("%s: got %v, %v", name, source, err)
		}
	}
	for _, name := range []string{"GitHub", "jenkins", ""} {
		_, err := idtoken.Choose(env, name, idtoken.Settings{})
		if problem(err) != idtoken.UnknownSource || !strings.Contains(err.Error(), "auto, github, gitlab, azure-pipelines, buildkite, circleci, kubernetes, oidc, entra, azure-identity, google") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
