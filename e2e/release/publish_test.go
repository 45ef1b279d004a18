// SPDX-License-Identifier: Apache-2.0

package release

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// github is a repository to publish to: a bare one for git, and a folder of
// releases for the double of gh. What is published has small files in the place
// of programs.
type github struct {
	origin, releases string
	path, dist       string
}

func newGitHub(t *testing.T) *github {
	t.Helper()
	folder := t.TempDir()
	g := &github{origin: filepath.Join(folder, "origin.git"), releases: filepath.Join(folder, "releases"), path: filepath.Join(folder, "bin"), dist: filepath.Join(folder, "dist")}
	git(t, folder, "clone", "--quiet", "--bare", rehearsal.origin, g.origin)
	lab.Copy(t, lab.Path("e2e", "release", "testdata", "gh"), filepath.Join(g.path, "gh"), 0o755)
	var list strings.Builder
	for _, platform := range platforms {
		lab.Write(t, filepath.Join(g.dist, program(platform)), platform, 0o755)
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256([]byte(platform)), program(platform))
	}
	lab.Write(t, filepath.Join(g.dist, "checksums.txt"), list.String(), 0o644)
	if err := os.Mkdir(g.releases, 0o755); err != nil {
		t.Fatal(err)
	}
	return g
}

// publish does what the workflow's second job does: in a shallow clone, with
// the commit from a bundle. It gives the commit.
func (g *github) publish(t *testing.T, version string, env map[string]string) (commit string, outcome lab.Outcome) {
	t.Helper()
	commit = strings.TrimSpace(lab.Command{Dir: rehearsal.clone, Env: path(), Args: []string{rehearsal.program, "commit", version, g.dist}}.Must(t).Stdout)
	bundle := filepath.Join(t.TempDir(), "commit.bundle")
	git(t, rehearsal.clone, "update-ref", "refs/tags/"+version, commit)
	git(t, rehearsal.clone, "bundle", "create", "--quiet", bundle, "refs/tags/"+version, "^HEAD")
	git(t, rehearsal.clone, "update-ref", "-d", "refs/tags/"+version)

	clone := filepath.Join(t.TempDir(), "clone")
	git(t, t.TempDir(), "clone", "--quiet", "--depth", "1", "file://"+g.origin, clone)
	git(t, clone, "fetch", "--quiet", "--no-tags", bundle, "refs/tags/"+version)
	all := map[string]string{"PATH": g.path + ":" + os.Getenv("PATH"), "HOME": clone, "RELEASES": g.releases, "VERSION": version}
	maps.Copy(all, env)
	return commit, lab.Command{Dir: clone, Env: all, Args: []string{"internal/release/publish.sh", version, commit, g.dist}}.Run(t)
}

// tags are the repository's, each with its commit.
func (g *github) tags(t *testing.T) map[string]string {
	t.Helper()
	tags := map[string]string{}
	for line := range strings.Lines(git(t, g.origin, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/tags")) {
		name, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		tags[name] = id
	}
	return tags
}

// has fails the test unless the release is published, with these flags.
func (g *github) has(t *testing.T, version string, flags ...string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(g.releases, version, "published")); err != nil {
		t.Errorf("%s is not published: %v", version, err)
		return
	}
	if got := strings.Fields(lab.Read(t, filepath.Join(g.releases, version, "flags"))); !slices.Equal(got, flags) {
		t.Errorf("%s has %q, not %q", version, got, flags)
	}
}

func TestPublish(t *testing.T) {
	g := newGitHub(t)
	first, outcome := g.publish(t, "v1.2.3", nil)
	if outcome.Exit != 0 || strings.Contains(outcome.Log(), "::warning") {
		t.Fatal(outcome.Log())
	}
	g.has(t, "v1.2.3", "--prerelease=false", "--latest=true")
	entries, err := os.ReadDir(g.dist)
	if err != nil {
		t.Fatal(err)
	}
	if files := strings.Fields(lab.Read(t, filepath.Join(g.releases, "v1.2.3", "files"))); len(files) != len(entries) {
		t.Errorf("of %d files %q were uploaded", len(entries), files)
	}
	want := map[string]string{"v1.2.3": first, "v1": first}
	if tags := g.tags(t); !maps.Equal(tags, want) {
		t.Errorf("the tags are %q, not %q", tags, want)
	}

	// Neither a candidate nor a fix of an older line takes v1 along.
	want["v1.3.0-rc.1"], outcome = g.publish(t, "v1.3.0-rc.1", nil)
	g.has(t, "v1.3.0-rc.1", "--prerelease=true", "--latest=false")
	want["v1.1.9"], _ = g.publish(t, "v1.1.9", nil)
	g.has(t, "v1.1.9", "--prerelease=false", "--latest=false")
	if tags := g.tags(t); !maps.Equal(tags, want) {
		t.Errorf("the tags are %q, not %q\n%s", tags, want, outcome.Log())
	}

	// v1.10 comes after v1.9, and v1 keeps its own line once there is a v2.
	want["v1.10.0"], _ = g.publish(t, "v1.10.0", nil)
	want["v2.0.0"], _ = g.publish(t, "v2.0.0", nil)
	want["v1.10.1"], _ = g.publish(t, "v1.10.1", nil)
	want["v1"], want["v2"] = want["v1.10.1"], want["v2.0.0"]
	g.has(t, "v1.10.1", "--prerelease=false", "--latest=false")
	if tags := g.tags(t); !maps.Equal(tags, want) {
		t.Errorf("the tags are %q, not %q", tags, want)
	}
}

// A run that stopped anywhere is run again, and goes on from there.
func TestPublishAgain(t *testing.T) {
	for _, stop := range []string{"release list", "release create", "upload", "release edit", "api repos/{owner}/{repo}/releases/tags/v1.2.3"} {
		t.Run(stop, func(t *testing.T) {
			g := newGitHub(t)
			if _, outcome := g.publish(t, version, map[string]string{"BREAK": stop}); outcome.Exit == 0 {
				t.Fatalf("it did not stop\n%s", outcome.Log())
			}
			if g.tags(t)["v1"] != "" {
				t.Error("v1 moved before everything was there")
			}
			for range 2 {
				commit, outcome := g.publish(t, version, nil)
				if outcome.Exit != 0 {
					t.Fatal(outcome.Log())
				}
				g.has(t, version, "--prerelease=false", "--latest=true")
				if tags := g.tags(t); !maps.Equal(tags, map[string]string{version: commit, "v1": commit}) {
					t.Errorf("the tags are %q", tags)
				}
			}
		})
	}
}

// Where the tags cannot be listed, nothing is decided: an empty list would make a
// release that is not Latest, and leave v1 where it was, without a word.
func TestPublishNoTags(t *testing.T) {
	for listing := 1; listing <= 2; listing++ {
		g := newGitHub(t)
		lab.Write(t, filepath.Join(g.path, "git"), `#!/bin/sh
[ "$1" != ls-remote ] || [ "$(echo >>"$LISTED"; wc -l <"$LISTED")" != "$LISTING" ] || { echo "fatal: HTTP 502" >&2; exit 128; }
PATH=${PATH#*:} exec git "$@"
`, 0o755)
		env := map[string]string{"LISTED": filepath.Join(t.TempDir(), "listed"), "LISTING": strconv.Itoa(listing)}
		if _, outcome := g.publish(t, version, env); outcome.Exit == 0 {
			t.Errorf("without listing %d it went on\n%s", listing, outcome.Log())
		}
		if entries, err := os.ReadDir(g.releases); err != nil || len(entries) > 0 {
			t.Errorf("without listing %d there is a release: %v, %v", listing, entries, err)
		}
		commit, outcome := g.publish(t, version, env)
		if outcome.Exit != 0 || g.tags(t)["v1"] != commit {
			t.Errorf("after listing %d: %q\n%s", listing, g.tags(t), outcome.Log())
		}
		g.has(t, version, "--prerelease=false", "--latest=true")
	}
}

// A version is one commit for ever.
func TestPublishOther(t *testing.T) {
	g := newGitHub(t)
	git(t, g.origin, "tag", version, "main")
	_, outcome := g.publish(t, version, nil)
	if outcome.Exit != 1 || !strings.Contains(outcome.Stderr, "release under another version") {
		t.Errorf("exit code %d\n%s", outcome.Exit, outcome.Log())
	}
	if tags := g.tags(t); len(tags) != 1 || tags[version] != git(t, g.origin, "rev-parse", "main") {
		t.Errorf("the tags are %q", tags)
	}
}

func TestPublishMutable(t *testing.T) {
	g := newGitHub(t)
	if _, outcome := g.publish(t, version, map[string]string{"IMMUTABLE": "false"}); outcome.Exit != 0 || !strings.Contains(outcome.Stdout, "::warning title=release::v1.2.3 is published, but") {
		t.Errorf("exit code %d\n%s", outcome.Exit, outcome.Log())
	}
}
