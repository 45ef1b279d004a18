// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"os"
	"path/filepath"
	"testing"
)

// The system's own /run and owners are asked where a Place names none.
func TestPlaceOfTheSystem(t *testing.T) {
	p := Place{Getenv: func(string) string { return "" }, UID: os.Getuid(), OS: "linux", Trust: by()}
	if file := p.runtimeFile(); file.read != (p.UID == 0) || filepath.Dir(filepath.Dir(file.path)) != "/run/containers" {
		t.Errorf("the runtime file is %+v", file)
	}
	if !p.owns(t.TempDir()) || p.owns(filepath.Join(t.TempDir(), "missing")) {
		t.Error("an own folder is told from a missing one wrongly")
	}
	p.UID++
	if p.owns(t.TempDir()) {
		t.Error("another user's folder is taken for ours")
	}
}
