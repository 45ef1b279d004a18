// SPDX-License-Identifier: Apache-2.0

package release

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// TestImages logs in by the released program and pushes what images.sh makes of the
// release: the program's image for four CPUs, the job image, and the bundle that names the
// first by its digest. A second time gives the same. Then both images are pulled and used.
func TestImages(t *testing.T) {
	sb, ca := lab.Sandbox(t)
	env := lab.DebianContainers(t, os.Getenv("PATH"))
	defer func() { // buildah leaves the stage that certificates came from
		lab.Command{Env: env, Args: []string{"buildah", "rm", "--all"}}.Must(t)
	}()
	own := env["PATH"]
	maps.Copy(env, lab.GoEnv(t))
	env["PATH"], env["SSL_CERT_FILE"] = own, ca
	var err error
	if env["ID_TOKEN"], err = sb.Mint(sandbox.Token{Issuer: "github", Claims: map[string]any{"exp": time.Now().Add(time.Hour).Unix()}}); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(rehearsal.dist, "quay-keyless-linux-"+runtime.GOARCH)
	login := func(command string) lab.Outcome {
		return lab.Command{Env: env, Args: []string{program, command, sb.Host, "--robot", "acme+creator", "--id-token-env", "ID_TOKEN"}}.Must(t)
	}
	login("login")
	quay := &registry{t: t, host: sb.Host, client: sb.Client(), password: strings.TrimSpace(login("token").Stdout)}
	quay.pushBase("acme/base")

	push := lab.Command{Dir: rehearsal.clone, Env: env, Args: []string{"internal/release/images.sh", version, rehearsal.dist, sb.Host + "/acme/quay-keyless",
		"--build-arg", "CERTIFICATES=" + sb.Host + "/acme/base", "--build-arg", "DEBIAN=" + lab.Debian}}
	pushed := push.Must(t).Stdout
	images := strings.Split(strings.TrimSpace(pushed), "\n")
	if len(images) != 3 {
		t.Fatalf("images.sh says\n%s", pushed)
	}
	for _, tag := range []string{version, "v1"} {
		index := quay.index("acme/quay-keyless:" + tag)
		if got := sb.Host + "/acme/quay-keyless@" + digest(t, index); got != images[0] {
			t.Errorf("%s is %s, images.sh said %s", tag, got, images[0])
		}
		quay.expectPrograms(index)
		quay.expectBundle("acme/quay-keyless-tekton:"+tag, images[0])
		quay.index("acme/quay-keyless-gitlab:" + tag)
	}
	if again := push.Must(t).Stdout; again != pushed {
		t.Errorf("a second time:\n%s\nnot\n%s", again, pushed)
	}
	lab.Command{Env: env, Args: []string{"podman", "rmi", "--all", "--force"}}.Must(t)
	env["QUAY_CA_CERTIFICATE"], env["QUAY_ROBOT"], env["QUAY_REGISTRY"] = lab.Read(t, ca), "acme+ci", sb.Host
	t.Run("program", func(t *testing.T) { runProgram(t, env, images[0]) })
	t.Run("job", func(t *testing.T) { runJob(t, env, images[1], quay) })
}

// container is a run of an image as it was pushed, with the job's ID token.
func container(env map[string]string, image string, more ...string) lab.Command {
	arguments := []string{"podman", "run", "--rm", "--interactive"}
	for _, variable := range []string{"ID_TOKEN", "QUAY_CA_CERTIFICATE", "QUAY_ROBOT", "QUAY_REGISTRY"} {
		arguments = append(arguments, "--env", variable)
	}
	arguments = append(arguments, "--env", "QUAY_ID_TOKEN_ENV=ID_TOKEN")
	return lab.Command{Env: env, Args: append(append(arguments, more...), image)}
}

// runProgram logs in by the program's image, which may nothing but write into
// one folder.
func runProgram(t *testing.T, env map[string]string, image string) {
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	run := container(env, image, "--read-only", "--cap-drop", "all", "--volume", folder+":/auth")
	run.Args = append(run.Args, "login", "--authfile", "/auth/config.json")
	run.Must(t)
	if user, _ := lab.Login(t, lab.Read(t, filepath.Join(folder, "config.json")), env["QUAY_REGISTRY"]); user != "acme+ci" {
		t.Errorf("the login is that of %q", user)
	}
}

// runJob logs in, builds and pushes in the job image.
func runJob(t *testing.T, env map[string]string, image string, quay *registry) {
	run := container(env, image, "--env", "QUAY_INSTALL_CA=true", "--env", "QUAY_ROBOT=acme+creator")
	run.Args = append(run.Args, "bash")
	run.Stdin = `set -eu
quay-keyless version
quay-keyless login
cd "$(mktemp --directory)"
echo built >file
printf 'FROM scratch\nCOPY file /\n' >Containerfile
buildah bud --quiet --tag "$QUAY_REGISTRY/acme/built:v1" .
buildah push --quiet "$QUAY_REGISTRY/acme/built:v1"
quay-keyless logout
`
	if ran := run.Must(t); !strings.HasPrefix(ran.Stdout, "quay-keyless "+version+"\n") {
		t.Errorf("the job says\n%s", ran.Log())
	}
	// The day on which its user was added is the commit's, not today.
	added := container(env, image, "--user", "0")
	added.Args = append(added.Args, "grep", "^build:", "/etc/shadow")
	if day := strings.Split(added.Must(t).Stdout, ":")[2]; day != commitDay(t) {
		t.Errorf("the image is of day %s, not of the commit's, %s", day, commitDay(t))
	}
	built, err := remote.Image(quay.reference("acme/built:v1"), quay.options()...)
	quay.must(err)
	if file := contents(t, built)["file"]; file != "built\n" {
		t.Errorf("the job pushed an image with the file %q", file)
	}
}

// commitDay is the day of the release's commit, counted since 1970.
func commitDay(t *testing.T) string {
	t.Helper()
	seconds, err := strconv.Atoi(git(t, rehearsal.clone, "log", "-1", "--format=%ct"))
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(seconds / (24 * 60 * 60))
}

func digest(t *testing.T, index v1.ImageIndex) string {
	t.Helper()
	hash, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return hash.String()
}

// registry is the sandbox's, as a client with a login sees it.
type registry struct {
	t              *testing.T
	host, password string
	client         *http.Client
}

func (r *registry) options() []remote.Option {
	return []remote.Option{remote.WithTransport(r.client.Transport), remote.WithContext(r.t.Context()),
		remote.WithAuth(&authn.Basic{Username: "acme+creator", Password: r.password})}
}

func (r *registry) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *registry) reference(text string) name.Reference {
	reference, err := name.ParseReference(r.host + "/" + text)
	r.must(err)
	return reference
}

// pushBase pushes an image for each CPU that has a CA bundle.
func (r *registry) pushBase(repository string) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	r.must(writer.WriteHeader(&tar.Header{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Size: int64(len(lab.Bundle))}))
	_, err := io.WriteString(writer, lab.Bundle)
	r.must(err)
	r.must(writer.Close())
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	r.must(err)
	var index v1.ImageIndex = empty.Index
	for _, cpu := range cpus {
		config := v1.ConfigFile{OS: "linux", Architecture: cpu, RootFS: v1.RootFS{Type: "layers"}}
		image, err := mutate.ConfigFile(empty.Image, &config)
		r.must(err)
		image, err = mutate.AppendLayers(image, layer)
		r.must(err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: cpu}}})
	}
	r.must(remote.WriteIndex(r.reference(repository), index, r.options()...))
}

var cpus = []string{"amd64", "arm64", "s390x", "ppc64le"}

func (r *registry) index(text string) v1.ImageIndex {
	r.t.Helper()
	index, err := remote.Index(r.reference(text), r.options()...)
	r.must(err)
	return index
}

// expectPrograms fails the test unless each CPU's image has that CPU's program.
func (r *registry) expectPrograms(index v1.ImageIndex) {
	r.t.Helper()
	manifest, err := index.IndexManifest()
	r.must(err)
	var found []string
	for _, entry := range manifest.Manifests {
		image, err := index.Image(entry.Digest)
		r.must(err)
		file := contents(r.t, image)["usr/local/bin/quay-keyless"]
		if file != lab.Read(r.t, filepath.Join(rehearsal.dist, "quay-keyless-linux-"+entry.Platform.Architecture)) {
			r.t.Errorf("the image for %s has another program than the release", entry.Platform.Architecture)
		}
		found = append(found, entry.Platform.Architecture)
	}
	if fmt.Sprint(found) != fmt.Sprint(cpus) {
		r.t.Errorf("the image is for %v", found)
	}
}

// expectBundle fails the test unless both objects name our image by its digest.
func (r *registry) expectBundle(text, image string) {
	r.t.Helper()
	bundle, err := remote.Image(r.reference(text), r.options()...)
	r.must(err)
	manifest, err := bundle.Manifest()
	r.must(err)
	kinds := map[string]string{}
	for _, layer := range manifest.Layers {
		kinds[layer.Annotations["dev.tekton.image.kind"]] = layer.Annotations["dev.tekton.image.name"]
	}
	if got, _ := json.Marshal(kinds); string(got) != `{"stepaction":"quay-login","task":"quay-login"}` {
		r.t.Errorf("the bundle has %s", got)
	}
	layers, err := bundle.Layers()
	r.must(err)
	for _, layer := range layers {
		if text := fmt.Sprint(unpacked(r.t, layer)); !strings.Contains(text, "image: "+image+"\n") {
			r.t.Errorf("an object of the bundle does not name %s:\n%s", image, text)
		}
	}
}

// contents are the files of an image.
func contents(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, layer := range layers {
		for name, text := range unpacked(t, layer) {
			files[name] = text
		}
	}
	return files
}

func unpacked(t *testing.T, layer v1.Layer) map[string]string {
	t.Helper()
	content, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close() //nolint:errcheck // only read
	files := map[string]string{}
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return files
		}
		var text []byte
		if err == nil {
			text, err = io.ReadAll(archive)
		}
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(header.Name, "./")] = string(text)
	}
}
