// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// dpkg and rpm install their package into an empty root, where the program then logs in.
func TestPackages(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Fatal("the packages' names below are for amd64")
	}
	for name, install := range map[string]string{
		"dpkg": `mkdir -p "$1/var/lib/dpkg/info" "$1/var/lib/dpkg/updates" && : >"$1/var/lib/dpkg/status" &&
			dpkg --root="$1" --install "$2/quay-keyless_1.2.3_amd64.deb" && dpkg --root="$1" --verify quay-keyless`,
		"rpm": `rpm --root "$1" --install "$2/quay-keyless-1.2.3-1.x86_64.rpm" && rpm --root "$1" --verify quay-keyless`,
	} {
		t.Run(name, func(t *testing.T) {
			lab.Tool(t, name, "apt-get install "+name)
			root := t.TempDir()
			lab.Command{Env: path(), Args: []string{"sh", "-c", install, "sh", root, rehearsal.dist}}.Must(t)
			for _, file := range []string{"share/man/man1/quay-keyless-login.1", "share/bash-completion/completions/quay-keyless", "share/doc/quay-keyless/LICENSE"} {
				if info, err := os.Stat(filepath.Join(root, "usr", file)); err != nil || info.Mode().Perm() != 0o644 {
					t.Errorf("%s: %v %v", file, info, err)
				}
			}
			loginInRoot(t, root, "usr/bin")
		})
	}
}

// The formula has the checksums of the archives beside it.
func TestFormula(t *testing.T) {
	formula := lab.Read(t, filepath.Join(rehearsal.dist, "quay-keyless.rb"))
	sums := lab.Read(t, filepath.Join(rehearsal.dist, "checksums.txt"))
	for _, platform := range []string{"darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64"} {
		archive := "quay-keyless-" + version + "-" + platform + ".tar.gz"
		before, _, _ := strings.Cut(sums, "  "+archive)
		sum := before[strings.LastIndex(before, "\n")+1:]
		if !strings.Contains(formula, `url "https://github.com/acme/quay-keyless/releases/download/`+version+"/"+archive+`"`) || !strings.Contains(formula, `sha256 "`+sum+`"`) {
			t.Errorf("%s is not in\n%s", archive, formula)
		}
	}
}
