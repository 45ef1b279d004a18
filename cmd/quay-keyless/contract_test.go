// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"testing"
	"time"
)

// TestContract holds Quay and this program to the table of contract cases: what
// Quay answers, what the program then says and does. It asks the sandbox, in
// the releases whose answers differ (both of them with -race), and a real Quay as well when told of one:
//
//	export QUAY_CONTRACT_URL=https://quay.example.com
//	export QUAY_CONTRACT_FILE=$PWD/contract.yaml   # testdata/contract/README.md
//	go test ./cmd/quay-keyless -run TestContract/QUAY_CONTRACT_URL -v
//
// It changes nothing there: it logs in, is refused, and asks for permissions.
// What that Quay could not be asked is listed at the end.
func TestContract(t *testing.T) {
	t.Parallel()
	for _, c := range contractCases() {
		tried := c.releases()
		if !whole {
			tried = tried[:1]
		}
		for _, release := range tried {
			t.Run(release+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, sandboxQuay(t, release, c))
			})
		}
	}
	if url := os.Getenv("QUAY_CONTRACT_URL"); url != "" {
		t.Run("QUAY_CONTRACT_URL", func(t *testing.T) { contractByFile(t, url, os.Getenv("QUAY_CONTRACT_FILE"), time.Now) })
	}
}

// contractByFile runs the table against the Quay at a URL, as far as a file
// describes it, by a clock that goes as that Quay's does, and returns the names of
// the cases that were run.
func contractByFile(t *testing.T, url, path string, now func() time.Time) []string {
	q := fileQuay(t, url, path, now)
	var asked, notAsked []string
	for _, c := range contractCases() {
		if missing := c.missing(q); missing != "" {
			notAsked = append(notAsked, c.name+" (needs "+missing+")")
			continue
		}
		asked = append(asked, c.name)
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, q)
		})
	}
	t.Cleanup(func() {
		for _, name := range notAsked {
			t.Log("not asked of this Quay: " + name)
		}
	})
	return asked
}
