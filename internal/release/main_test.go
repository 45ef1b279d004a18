// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	for version, good := range map[string]bool{
		"v1.2.3": true, "v0.1.0": true, "v1.2.3-rc.1": true, "v10.20.30-beta": true,
		"": false, "1.2.3": false, "v1.2": false, "v1": false, "v01.2.3": false, "v1.2.3-": false, "v1.2.3-rc..1": false,
		"v1.2.3+build": false, "v1.2.3 ": false, "v1.2.3\n": false, "v1.2.3 -X main.version=v2": false,
	} {
		if released.MatchString(version) != good {
			t.Errorf("%q: good is not %t", version, good)
		}
	}
}

// A mistake on the command line is said before anything is made.
func TestUsage(t *testing.T) {
	for words, arguments := range map[string][]string{
		"usage:":                    nil,
		"usage":                     {"documents", "v1.2.3"},
		"release documents VERSION": {"publish", "v1.2.3", "dist"},
		`"1.2.3" is no version`:     {"documents", "1.2.3", t.TempDir()},
		`"OWNER" is not FROM=TO`:    {"commit", "-replace", "OWNER", "v1.2.3", t.TempDir()},
		`"dev" is no version`:       {"commit", "dev", t.TempDir()},
		"not defined: -unknown":     {"sbom", "-unknown", "v1.2.3", "program", "file"},
		"is not named by its diges": {"bundle", "quay.example.com/acme/quay-keyless:v1", "quay.example.com/acme/bundle:v1"},
		"checksums.txt: no such fi": {"commit", "v1.2.3", t.TempDir()},
	} {
		if err := run(t.Context(), arguments, io.Discard); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", arguments, err)
		}
	}
}
