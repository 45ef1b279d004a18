// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/ownfile"
)

var update = flag.Bool("update", false, "write the golden files")

// host is the registry of most tests, and of the golden files.
const host = "quay.example"

// TestMain lets the test binary be the other process in tests that need one.
func TestMain(m *testing.M) {
	role := os.Getenv("AUTHFILE_ROLE")
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Getenv("AUTHFILE_PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// login is an entry for the robot acme+ci.
func login(key, token string) Entry {
	return Entry{Key: key, User: "acme+ci", Token: idtoken.NewSecret(token)}
}

// helps are entries that have tools ask our helper.
func helps(hold Hold, hosts ...string) (list []Entry) {
	for _, host := range hosts {
		list = append(list, Entry{Key: host, Helper: true, Hold: hold})
	}
	return list
}

// by is the trust of the user who runs the test.
func by() ownfile.Trust { return ownfile.By(os.Getuid(), "") }

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path, by())
	if err != nil {
		t.Fatal(err)
	}
	f.settling = 0
	return f
}

// tempFile is an auth file with this text.
func tempFile(t testing.TB, text string) *File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, text)
	return open(t, path)
}

// write makes a file that has been there for a while, so that nobody waits for
// whoever wrote it.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mustSet(t testing.TB, f *File, entries ...Entry) Change {
	t.Helper()
	change, err := f.Set(t.Context(), entries...)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// mustRestore also compares the outcomes, given as "KEY: RESULT".
func mustRestore(t testing.TB, f *File, keys []string, want ...string) Change {
	t.Helper()
	outcomes, change, err := f.Restore(t.Context(), keys...)
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, outcomes, want)
	return change
}

func wantOutcomes(t testing.TB, outcomes []Outcome, want []string) {
	t.Helper()
	var got []string
	for _, o := range outcomes {
		got = append(got, o.Key+": "+string(o.Result))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("outcomes %q, want %q", got, want)
	}
}

// wantText compares a file with what it has to be.
func wantText(t testing.TB, f *File, want string) {
	t.Helper()
	if got := read(t, f.Path()); got != want {
		t.Errorf("%s holds\n%q, want\n%q", f.Path(), short(got), short(want))
	}
}

func short(text string) string {
	if len(text) < 1000 {
		return text
	}
	return text[:500] + " … " + text[len(text)-300:]
}

// wantNothingElse fails where anything but the auth file is in its folder.
func wantNothingElse(t testing.TB, f *File) {
	t.Helper()
	wantFiles(t, f, filepath.Base(f.Path()))
}

func wantFiles(t testing.TB, f *File, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(f.dir())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

// wantReason checks the type, the reason, and that the message names the file.
func wantReason(t testing.TB, f *File, err error, want Reason) {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) {
		t.Fatalf("error %v (%T), want an *Error that says it %s", err, err, want)
	}
	if fault.Reason != want {
		t.Errorf("error %q, want one that says it %s", err, want)
	}
	if f != nil && !bytes.Contains([]byte(err.Error()), []byte("auth file "+f.Path()+" ")) {
		t.Errorf("error %q does not name %s", err, f.Path())
	}
}

func mode(t testing.TB, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
