// SPDX-License-Identifier: Apache-2.0

package release

import (
	"archive/zip"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// platforms are those that a release has a program for.
var platforms = []string{"darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "linux-ppc64le", "linux-s390x", "windows-amd64"}

// packages are what package managers install.
var packages = []string{
	"quay-keyless.rb",
	"quay-keyless_1.2.3_amd64.deb", "quay-keyless_1.2.3_arm64.deb", "quay-keyless_1.2.3_ppc64el.deb", "quay-keyless_1.2.3_s390x.deb",
	"quay-keyless-1.2.3-1.x86_64.rpm", "quay-keyless-1.2.3-1.aarch64.rpm", "quay-keyless-1.2.3-1.ppc64le.rpm", "quay-keyless-1.2.3-1.s390x.rpm",
}

// program is the name of a platform's program.
func program(platform string) string {
	if strings.HasPrefix(platform, "windows") {
		return "quay-keyless-" + platform + ".exe"
	}
	return "quay-keyless-" + platform
}

func TestFiles(t *testing.T) {
	want := []string{"checksums.txt"}
	for _, platform := range platforms {
		name, archive := program(platform), "quay-keyless-"+version+"-"+platform+".tar.gz"
		if strings.HasPrefix(platform, "windows") {
			archive = strings.Replace(archive, ".tar.gz", ".zip", 1)
		}
		want = append(want, name, strings.TrimSuffix(name, ".exe")+".spdx.json", archive)
	}
	want = append(want, packages...)
	var got []string
	entries, err := os.ReadDir(rehearsal.dist)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("the release has\n%q\nnot\n%q", got, want)
	}
	sums := lab.Command{Dir: rehearsal.dist, Env: path(), Args: []string{"sha256sum", "--check", "--strict", "checksums.txt"}}.Must(t)
	if listed := strings.Count(sums.Stdout, ": OK\n"); listed != len(want)-1 {
		t.Errorf("checksums.txt lists %d of %d files", listed, len(want)-1)
	}
}

// The programs name the repository that they are from, in the lines that setup prints
// for a job.
func TestRepository(t *testing.T) {
	for _, platform := range platforms {
		name := program(platform)
		if !strings.Contains(lab.Read(t, filepath.Join(rehearsal.dist, name)), "acme/quay-keyless") {
			t.Errorf("%s does not know its repository", name)
		}
	}
}

// path is an environment of nothing but PATH.
func path() map[string]string { return map[string]string{"PATH": os.Getenv("PATH")} }

// A second build, elsewhere and by someone whose environment is different, gives the
// same bytes.
func TestSecondBuild(t *testing.T) {
	clone := filepath.Join(t.TempDir(), "a longer path", "to another clone")
	git(t, t.TempDir(), "clone", "--quiet", rehearsal.origin, clone)
	settings := filepath.Join(t.TempDir(), "env")
	lab.Write(t, settings, "GOFLAGS=-tags=netgo\n", 0o644) // by `go env -w`
	env := append(os.Environ(), "PATH="+programs(), "TZ=Asia/Kathmandu", "LC_ALL=C", "GOAMD64=v3", "GOFLAGS=-buildvcs=true", "GOENV="+settings, "CGO_ENABLED=1", "GOOS=plan9", "SOURCE_DATE_EPOCH=1")
	dist := filepath.Join(t.TempDir(), "dist")
	build := exec.Command("sh", "-c", `umask 077; exec "$@"`, "sh", "internal/release/build.sh", version, dist, "acme/quay-keyless")
	build.Dir, build.Env = clone, env
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	same(t, dist, rehearsal.dist)

	// Go's cache answered for the first build. This machine's program is compiled again.
	own := exec.Command(lab.Path("e2e", "bin", "goreleaser"), "build", "--clean", "--single-target", "--id=unix", "--skip=validate", "--output", filepath.Join(t.TempDir(), "program"))
	own.Dir = clone
	own.Env = append(slices.DeleteFunc(env, func(v string) bool { return v == "GOOS=plan9" || v == "GOAMD64=v3" }), "GOCACHE="+t.TempDir(), "REPOSITORY=acme/quay-keyless", "GORELEASER_CURRENT_TAG="+version)
	if output, err := own.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if lab.Read(t, own.Args[len(own.Args)-1]) != lab.Read(t, filepath.Join(rehearsal.dist, "quay-keyless-"+runtime.GOOS+"-"+runtime.GOARCH)) {
		t.Error("the program differs when it is compiled again")
	}
}

// same compares the files of a folder with another's.
func same(t *testing.T, folder, other string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); lab.Read(t, filepath.Join(folder, name)) != lab.Read(t, filepath.Join(other, name)) {
			t.Errorf("%s differs", name)
		}
	}
	if len(entries) == 0 {
		t.Error("nothing was made")
	}
}

// The SBOM is valid for SPDX's own validator, and has what Go says is linked.
func TestSBOM(t *testing.T) {
	validator := lab.Tool(t, lab.Path("e2e", "venv", "bin", "pyspdxtools"), "run e2e/setup.sh")
	for _, platform := range platforms {
		binary := filepath.Join(rehearsal.dist, program(platform))
		file := strings.TrimSuffix(binary, ".exe") + ".spdx.json"
		lab.Command{Env: path(), Args: []string{validator, "--infile", file, "--version", "SPDX-2.3"}}.Must(t)
		var document struct {
			Packages []struct{ Name, VersionInfo string }
		}
		if err := json.Unmarshal([]byte(lab.Read(t, file)), &document); err != nil {
			t.Fatal(err)
		}
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"quay-keyless " + version, "stdlib " + strings.TrimPrefix(info.GoVersion, "go")}
		for _, module := range info.Deps {
			want = append(want, module.Path+" "+module.Version)
		}
		var got []string
		for _, part := range document.Packages {
			got = append(got, part.Name+" "+part.VersionInfo)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has\n%q\nnot\n%q", file, got, want)
		}
	}
}

func TestWindowsArchive(t *testing.T) {
	archive, err := zip.OpenReader(filepath.Join(rehearsal.dist, "quay-keyless-"+version+"-windows-amd64.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var names []string
	for _, file := range archive.File {
		names = append(names, strings.TrimPrefix(file.Name, "quay-keyless-"+version+"-windows-amd64/"))
	}
	if want := []string{"LICENSE", "README.md", "THIRD_PARTY_LICENSES", "quay-keyless.ps1", "quay-keyless.exe"}; !slices.Equal(names, want) {
		t.Errorf("the archive has %q, not %q", names, want)
	}
}
