// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var kills = flag.Int("kills", 20, "how often TestKill kills")

// withoutLogin is the whole of a login as it is written into [largeFile].
var withoutLogin = regexp.MustCompile(`,\n\t\t"quay\.example": \{\n\t\t\t"auth": "[A-Za-z0-9+/]+=*"\n\t\t\}`)

// TestKill kills a process that logs in and out of a 200 kB file, at random
// moments. The file is always whole, the state always leads back, and the
// next login works.
func TestKill(t *testing.T) {
	text := largeFile()
	f := tempFile(t, text)
	start := time.Now()
	mustSet(t, f, login(host, "first"))
	span := time.Since(start) * 3 / 2
	for i := range *kills {
		killOne(t, f, rand.N(span))
		found := read(t, f.Path())
		if rest := withoutLogin.ReplaceAllString(found, ""); rest != text {
			t.Fatalf("after kill %d the file holds %q", i, short(found))
		}
		wantPrivate(t, f)
		if i%2 == 0 {
			mustSet(t, f, login(host, "again")) // waits for ever where a dead process holds the lock
		}
		if _, _, err := f.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantText(t, f, text)
	}
	mustSet(t, f, login(host, "last"))
	mustRestore(t, f, nil, host+": removed")
	wantNothingElse(t, f)
}

// largeFile is an auth file of 200 kB.
func largeFile() string {
	var text strings.Builder
	text.WriteString("{\n\t\"auths\": {\n")
	for i := 0; text.Len() < 200_000; i++ {
		fmt.Fprintf(&text, "\t\t\"%d.example\": {\n\t\t\t\"auth\": \"bWU6b3RoZXI=\"\n\t\t},\n", i)
	}
	text.WriteString("\t\t\"last.example\": {}\n\t}\n}\n")
	return text.String()
}

// killOne starts a process, waits until it is at work, and kills it.
func killOne(t *testing.T, f *File, after time.Duration) {
	t.Helper()
	command := role(t, "endure", f)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	<-time.After(after) // the moment is the point of the test
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil || command.ProcessState.Exited() {
		t.Fatalf("the process ended by itself: %v", err)
	}
}

// wantPrivate fails where a file is readable by others.
func wantPrivate(t *testing.T, f *File) {
	t.Helper()
	files, err := filepath.Glob(f.dir() + "/*")
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := filepath.Glob(f.dir() + "/.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, hidden...) {
		if got := mode(t, file); got != 0o600 && file != f.dir() {
			t.Errorf("%s has mode %o", file, got)
		}
	}
}
