// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package certsd

import (
	"encoding/pem"
	"flag"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/internal/ownfile"
)

// inside runs the rest of a test in a process of its own with these
// attributes, and reports whether this is that process.
func inside(t *testing.T, attributes *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv("CERTSD_INSIDE") == t.Name() {
		return true
	}
	// Not by its path: another user may not walk there.
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	if attributes.Credential == nil { // who may write there: what it covers counts too
		command.Args = append(command.Args, "-test.gocoverdir="+flag.Lookup("test.gocoverdir").Value.String())
	}
	command.Dir = "/"
	command.Env = append(os.Environ(), "CERTSD_INSIDE="+t.Name())
	command.SysProcAttr = attributes
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a process with %+v: %v\n%s", *attributes, err, out)
	}
	return false
}

// unprivileged runs the rest of a test as a user whom permissions bind.
func unprivileged(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return true
	}
	const nobody = 65534
	return inside(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}})
}

func TestE2EPermissions(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	for name, closed := range map[string]func(p Places) string{
		"home":          func(p Places) string { return root(p) },
		"certs.d":       func(p Places) string { return p.Search[0] },
		"host's folder": func(p Places) string { return filepath.Dir(admin(p)) },
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := home(t)
			switch name {
			case "certs.d":
				put(t, filepath.Join(p.Search[0], "other.example", "ca.crt"), foreign)
			case "host's folder":
				put(t, admin(p), foreign)
			}
			path := closed(p)
			if err := os.Chmod(path, 0o555); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(path, 0o700) }) // for TempDir
			before := tree(t, root(p))
			_, err := p.Install(host, job(t), []byte(ours))
			wantError(t, err, fs.ErrPermission)
			wantTree(t, root(p), before...)
		})
	}
	p := Places{Search: []string{"/etc"}, Write: []string{"/etc"}}
	_, err := p.Install(host, job(t), []byte(ours))
	wantError(t, err, fs.ErrPermission)
}

// tools pull an image that is not there; the answer tells whether they trusted
// the registry.
var tools = map[string][]string{
	"skopeo":  {"inspect", "docker://HOST/acme/app"},
	"podman":  {"--root=BASE/graph", "--runroot=BASE/run", "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "pull", "HOST/acme/app"},
	"buildah": {"--root=BASE/graph", "--runroot=BASE/run", "--storage-driver=vfs", "pull", "HOST/acme/app"},
}

// look has a tool look for an image that is not there, and gives its words. Its home
// is base, and the login is where it finds an auth file.
func look(t *testing.T, tool, address, base, login string) string {
	t.Helper()
	var args []string
	for _, arg := range tools[tool] {
		args = append(args, strings.NewReplacer("HOST", address, "BASE", filepath.Join(base, tool)).Replace(arg))
	}
	command := exec.CommandContext(t.Context(), tool, args...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + base, "XDG_CONFIG_HOME=" + filepath.Join(base, "xdg"),
		"REGISTRY_AUTH_FILE=" + login} // without it skopeo needs an XDG_RUNTIME_DIR
	out, err := command.CombinedOutput()
	if err == nil {
		t.Errorf("%s found an image that is not there: %s", tool, out)
	}
	return string(out)
}

// TestE2ETools holds Locate to what the tools read, wherever XDG_CONFIG_HOME points.
func TestE2ETools(t *testing.T) {
	registry := httptest.NewUnstartedServer(http.NotFoundHandler())
	registry.Config.ErrorLog = log.New(io.Discard, "", 0) // of refused handshakes
	registry.StartTLS()
	defer registry.Close()
	address := registry.Listener.Addr().String()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: registry.Certificate().Raw})
	base, login := t.TempDir(), job(t)
	env := map[string]string{"HOME": base, "XDG_CONFIG_HOME": filepath.Join(base, "xdg")}
	p, err := Locate(func(name string) string { return env[name] }, 1000, "linux", ownfile.Trust{}) // not /etc, even for root
	if err != nil {
		t.Fatal(err)
	}
	const refused, trusted = "x509: ", "404"
	for tool := range tools {
		t.Run(tool, func(t *testing.T) {
			holder := job(t)
			wants := func(want, not string) {
				t.Helper()
				// Its port may hold a 404.
				if out := strings.ReplaceAll(look(t, tool, address, base, login), address, "REGISTRY"); !strings.Contains(out, want) || strings.Contains(out, not) {
					t.Errorf("%s does not say %q, or says %q:\n%s", tool, want, not, out)
				}
			}
			wants(refused, trusted)
			if _, err := p.Install(address, holder, ca); err != nil {
				t.Fatal(err)
			}
			wants(trusted, refused)
			// It counts beside a file that is not a certificate.
			remove(t, p, holder)
			put(t, filepath.Join(p.Search[0], address, "ca.crt"), "no PEM")
			if _, err := p.Install(address, holder, ca); err != nil {
				t.Fatal(err)
			}
			wants(trusted, refused)
			remove(t, p, holder)
			wants(refused, trusted)
			if err := os.RemoveAll(p.Search[0]); err != nil {
				t.Fatal(err)
			}
		})
	}
}
