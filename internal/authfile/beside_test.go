// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"os"
	"path/filepath"
	"testing"
)

// The helper's settings are needed as long as a login of ours in any auth file of the
// folder uses them, and no longer.
func TestHelperBeside(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	docker, podman := open(t, filepath.Join(folder, "config.json")), open(t, filepath.Join(folder, "auth.json"))
	want := func(want bool) {
		t.Helper()
		if docker.HelperBeside(host) != want {
			t.Errorf("it is needed: %v", !want)
		}
	}
	want(false)
	set := func(f *File) {
		t.Helper()
		if _, err := f.Set(t.Context(), helps(Hold{By: "job", From: at(0), Until: at(60)}, host)...); err != nil {
			t.Fatal(err)
		}
	}
	set(docker)
	want(false) // by itself
	set(podman)
	want(true)
	if docker.HelperBeside("other.example") {
		t.Error("another host's settings are needed")
	}
	mustSet(t, podman, login(host, "1")) // a login without a helper
	want(false)
	set(podman)
	mustRestore(t, podman, nil, host+": removed")
	want(false)
	set(podman)
	if err := os.Remove(podman.Path()); err != nil { // a job that was killed, and its folder cleared
		t.Fatal(err)
	}
	want(false)
}
