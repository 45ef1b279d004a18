// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnusableTexts checks that what is no auth file is found by Check and
// refused by Set, each with its own reason, and stays as it is.
// The error says what a file is, not what a parser met.
func TestForeignTexts(t *testing.T) {
	for text, want := range map[string]string{
		"\xef\xbb\xbf{}": "byte order mark", "\xff\xfe{\x00}\x00": "UTF-16", "{\x00}\x00": "UTF-16", "\x1f\x8b\x08": "not text",
		"<html>": "HTML", "eyJhdXRocyI6e319\n": "base64", "auths:\n  quay.example: {}\n": "YAML", `{"auths":`: "unexpected EOF",
	} {
		f := tempFile(t, text)
		err := f.Check()
		wantReason(t, f, err, NotJSON)
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUnusableTexts(t *testing.T) {
	for text, want := range map[string]Reason{
		"":                          Empty,
		" \n":                       NotJSON,
		"{":                         NotJSON,
		`{"auths":{"a":{"auth":"s3`: NotJSON,
		`{"auths":{}`:               NotJSON,
		`{"auths":{},}`:             NotJSON,
		"\xef\xbb\xbf{}":            NotJSON,
		`{"auths":{}}{}`:            TrailingData,
		`{"auths":{}} x`:            TrailingData,
		`[]`:                        NotObject,
		`null`:                      NotObject,
		`"{}"`:                      NotObject,
		`{"auths":[]}`:              AuthsNotObject,
		`{"auths":"s3cret"}`:        AuthsNotObject,
		`{"auths":{},"Auths":{}}`:   Duplicate,
		`{"auths":{"` + host + `":{},"a":1,"` + host + `":{}}}`:             Duplicate,
		`{"credHelpers":{"` + host + `":"","` + host + `":"quay-keyless"}}`: Duplicate,
		strings.Repeat("[", 100_000):                                        NotJSON,
		"{\"auths\":{\"s3cret\x01\":1":                                      NotJSON,
	} {
		f := tempFile(t, text)
		err := f.Check()
		wantReason(t, f, err, want)
		if strings.Contains(strings.TrimPrefix(err.Error(), "auth file "+f.Path()), "s3") {
			t.Errorf("the error tells what is in the file: %v", err)
		}
		_, err = f.Set(t.Context(), login(host, "1"))
		wantReason(t, f, err, want)
		if got := read(t, f.Path()); got != text {
			t.Errorf("%q became %q", short(text), short(got))
		}
		wantNothingElse(t, f)
	}
}

func TestTooLarge(t *testing.T) {
	f := tempFile(t, before)
	if err := os.Truncate(f.Path(), maxFile+1); err != nil {
		t.Fatal(err)
	}
	wantReason(t, f, f.Check(), TooLarge)
	_, err := f.Set(t.Context(), login(host, "1"))
	wantReason(t, f, err, TooLarge)
	wantNothingElse(t, f)
}

func TestMessages(t *testing.T) {
	f := tempFile(t, "")
	if got, want := f.Check().Error(), "auth file "+f.Path()+" is empty (0 bytes); podman rejects it too"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err := Open("", by())
	wantReason(t, nil, err, BadPath)
}

// TestUnusablePaths checks what is wrong before a byte is read.
func TestUnusablePaths(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "{}")
	long := strings.Repeat("n", 250)
	for path, want := range map[string]Reason{
		dir:                                  IsFolder,
		os.DevNull:                           NotRegular,
		filepath.Join(dir, "file", "x"):      FolderUncreatable,
		filepath.Join(dir, "file", "x", "y"): FolderUncreatable,
		filepath.Join(dir, strings.Repeat(long, 2)): NameTooLong,
		filepath.Join(dir, long):                    NameTooLong,
	} {
		f := open(t, path)
		wantReason(t, f, f.Check(), want)
		_, err := f.Set(t.Context(), login(host, "1"))
		wantReason(t, f, err, want)
	}
	wantFiles(t, open(t, filepath.Join(dir, "x")), "file")
}

func TestCheckOfUsableFilesChangesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), before)
	missing := open(t, filepath.Join(dir, "a", "b", "config.json"))
	for _, f := range []*File{open(t, filepath.Join(dir, "config.json")), open(t, filepath.Join(dir, "new.json")), missing} {
		if err := f.Check(); err != nil {
			t.Error(err)
		}
	}
	wantFiles(t, open(t, filepath.Join(dir, "x")), "config.json")
}

// The state file is nobody else's business, so it is never followed elsewhere.
func TestStateFileThatIsALink(t *testing.T) {
	f := tempFile(t, before)
	target := filepath.Join(t.TempDir(), "target")
	write(t, target, "precious")
	if err := os.Symlink(target, f.recordPath()); err != nil {
		t.Fatal(err)
	}
	wantReason(t, f, f.Check(), Untrusted)
	_, err := f.Set(t.Context(), login(host, "1"))
	wantReason(t, f, err, Untrusted)
	_, _, err = f.Restore(t.Context(), host)
	wantReason(t, f, err, Untrusted)
	if got := read(t, target); got != "precious" {
		t.Errorf("the link's target became %q", got)
	}
}

func TestSymlinks(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"home/.docker", "real/deep"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"home/.docker/config.json": "../link.json",              // a chain
		"home/link.json":           "../real/deep/../auth.json", // relative, and dangling
		"home/linked":              "../real/deep",              // a folder
		"home/absolute.json":       filepath.Join(root, "real/auth.json"),
		"home/new.json":            "../not/yet/there.json",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"home/.docker/config.json":   "real/auth.json",
		"home/absolute.json":         "real/auth.json",
		"home/linked/../auth.json":   "real/auth.json", // as the kernel walks it
		"home/linked/./x.json":       "real/deep/x.json",
		"home/new.json":              "not/yet/there.json",
		"home/.docker/../plain.json": "home/plain.json",
	} {
		f := open(t, root+"/"+path)
		if f.Path() != filepath.Join(root, want) {
			t.Errorf("%s resolves to %s, want %s", path, f.Path(), want)
		}
		mustSet(t, f, login(host, "1"))
		if !bytes.Contains([]byte(read(t, root+"/"+path)), []byte(host)) {
			t.Errorf("the login is not found by way of %s", path)
		}
		mustRestore(t, f, nil, host+": removed")
	}
	if info, err := os.Lstat(filepath.Join(root, "home/link.json")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
}

func TestSymlinkLoop(t *testing.T) {
	dir := t.TempDir()
	for link, target := range map[string]string{"a": "b", "b": "a"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(filepath.Join(dir, "a"), by())
	wantReason(t, nil, err, SymlinkLoop)
	if want := filepath.Join(dir, "a"); !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not name %s", err, want)
	}
}

func TestRelativePath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := open(t, "sub/config.json").Path(); got != filepath.Join(dir, "sub", "config.json") {
		t.Errorf("got %s", got)
	}
}
