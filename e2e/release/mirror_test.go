// SPDX-License-Identifier: Apache-2.0

package release

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// gitlab is a project on a GitLab server, which here is git's bare repository,
// and a maintainer's clone of ours.
type gitlab struct {
	github // the project's origin, for its tags
	clone  string
	env    map[string]string
}

func newGitLab(t *testing.T) *gitlab {
	t.Helper()
	folder := t.TempDir()
	g := &gitlab{github: github{origin: filepath.Join(folder, "project.git")}, clone: filepath.Join(folder, "clone"), env: lab.GoEnv(t)}
	g.env["HOME"] = folder
	git(t, folder, "init", "--quiet", "--bare", "--initial-branch", "main", g.origin)
	git(t, folder, "clone", "--quiet", rehearsal.origin, g.clone)
	git(t, g.clone, "remote", "set-url", "origin", "git@github.com:acme/quay-keyless.git")
	lab.Write(t, filepath.Join(folder, ".gitconfig"), "[url \"file://"+g.origin+"\"]\n\tinsteadOf = "+project+"\n", 0o644)
	return g
}

const (
	project = "https://gitlab.example.com/ci/components/quay.git"
	image   = "quay.example.com/acme/quay-keyless-gitlab@sha256:00"
)

// mirror does what docs/internals/releasing.md says, after a release was tagged.
func (g *gitlab) mirror(t *testing.T, version, image string) (commit string, outcome lab.Outcome) {
	t.Helper()
	if g.env["TAGGED"] != version {
		identity := []string{"-c", "user.name=e2e", "-c", "user.email=e2e@example.com"}
		git(t, g.clone, append(identity, "commit", "--quiet", "--allow-empty", "--message", version)...)
		released := git(t, g.clone, append(identity, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Release "+version)...)
		git(t, g.clone, "tag", version, released)
		g.env["TAGGED"] = version
	}
	outcome = lab.Command{Dir: g.clone, Env: g.env, Args: []string{"internal/release/mirror.sh", version, image, project}}.Run(t)
	return strings.TrimSpace(outcome.Stdout), outcome
}

// main is the commit of the project's default branch.
func (g *gitlab) main(t *testing.T) string { return git(t, g.origin, "rev-parse", "main") }

// The component's project has the component where GitLab looks for it, and no
// name that only stands in for another.
func TestMirror(t *testing.T) {
	g := newGitLab(t)
	first, outcome := g.mirror(t, "v1.2.3", image)
	if outcome.Exit != 0 {
		t.Fatal(outcome.Log())
	}
	files := git(t, g.origin, "ls-tree", "-r", "--name-only", "v1.2.3")
	if want := "LICENSE\nREADME.md\nexamples/build.gitlab-ci.yml\nexamples/own-image.gitlab-ci.yml\ntemplates/quay-login/template.yml"; files != want {
		t.Errorf("the project has\n%s", files)
	}
	readme := git(t, g.origin, "show", "v1:README.md")
	for _, want := range []string{"component: $CI_SERVER_FQDN/ci/components/quay/quay-login@v1", "(https://github.com/acme/quay-keyless)"} {
		if !strings.Contains(readme, want) {
			t.Errorf("no %q in the README\n%s", want, readme)
		}
	}
	if template := git(t, g.origin, "show", "v1:templates/quay-login/template.yml"); !strings.Contains(template, "default: "+image+"\n") {
		t.Errorf("the template is\n%s", template)
	}

	// The same again is no change; something else under the same tag is refused.
	if again, outcome := g.mirror(t, "v1.2.3", image); again != first || outcome.Exit != 0 {
		t.Errorf("again it is %s, and was %s\n%s", again, first, outcome.Log())
	}
	_, outcome = g.mirror(t, "v1.2.3", image+"1")
	if want := map[string]string{"v1.2.3": first, "v1": first}; outcome.Exit != 1 || !strings.Contains(outcome.Stderr, "is there already, on "+first) || !maps.Equal(g.tags(t), want) {
		t.Errorf("exit code %d, the tags are %q\n%s", outcome.Exit, g.tags(t), outcome.Log())
	}
	for _, other := range []string{"v1.2.3", "v1.2.3^^"} { // neither the release commit nor an older one
		git(t, g.clone, "switch", "--quiet", "--detach", other)
		if _, outcome := g.mirror(t, "v1.2.3", image); outcome.Exit != 1 || !strings.Contains(outcome.Stderr, "git switch --detach v1.2.3^") {
			t.Errorf("from %s: exit code %d\n%s", other, outcome.Exit, outcome.Log())
		}
	}
}

// v1 and main go where the newest release of their line is, and nowhere else.
func TestMirrorTags(t *testing.T) {
	g := newGitLab(t)
	want := map[string]string{}
	for _, release := range []struct{ version, moves string }{
		{"v1.3.0", "v1 main"}, {"v1.4.0-rc.1", ""}, {"v1.2.9", ""}, {"v2.0.0", "v2 main"}, {"v1.10.0", "v1"},
	} {
		before := map[string]string{"main": want["main"]}
		commit, outcome := g.mirror(t, release.version, image)
		if outcome.Exit != 0 {
			t.Fatal(outcome.Log())
		}
		want[release.version] = commit
		for name := range strings.FieldsSeq(release.moves) {
			want[name], before[name] = commit, commit
		}
		tags := g.tags(t)
		if tags["main"] = g.main(t); !maps.Equal(tags, want) {
			t.Errorf("after %s there are %q, not %q", release.version, tags, want)
		}
	}
}
