// SPDX-License-Identifier: Apache-2.0

package credhelper_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"quay-keyless/internal/credhelper"
)

func TestUndo(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	if err := set(t, s, nil, "acme+ci", host)(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	set(t, s, nil, "acme+one", host)
	before := text(t, s.Path())
	if err := set(t, s, nil, "acme+two", host)(t.Context()); err != nil || text(t, s.Path()) != before {
		t.Errorf("%s, %v", text(t, s.Path()), err)
	}
	undo := set(t, s, nil, "acme+two", host)
	set(t, s, nil, "acme+three", "b.example")
	theirs := text(t, s.Path())
	if err := undo(t.Context()); err != nil || text(t, s.Path()) != theirs {
		t.Errorf("another's write was undone: %s, %v", text(t, s.Path()), err)
	}
}

func TestParallelLoginsKeepAllSettings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var logins sync.WaitGroup
	for i := range 40 {
		logins.Go(func() {
			s := store(t, folder)
			if _, err := s.Set(t.Context(), map[string]credhelper.Settings{fmt.Sprintf("q%d.example", i): settings("acme+ci")}, nil, loggedIn); err != nil {
				t.Error(err)
			}
		})
	}
	logins.Wait()
	for i := range 40 {
		if _, err := credhelper.Find(at(in(folder)), fmt.Sprintf("q%d.example", i)); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestOtherFilesStay(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	for _, before := range []string{`{"version":2,"x":1}`, "text"} {
		write(t, s.Path(), before)
		if _, err := s.Set(t.Context(), map[string]credhelper.Settings{host: settings("acme+ci")}, nil, loggedIn); err == nil {
			t.Errorf("%s was written over", before)
		}
		if _, err := s.Remove(t.Context(), nobody, host); err == nil {
			t.Errorf("%s was removed", before)
		}
		if got := text(t, s.Path()); got != before {
			t.Errorf("%s became %s", before, got)
		}
	}
}

func TestStoreErrorsNameTheSettingsFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	if err := os.Mkdir(s.Path(), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := s.Set(t.Context(), map[string]credhelper.Settings{host: settings("acme+ci")}, nil, loggedIn)
	if want := "settings file " + s.Path() + " is a folder"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// endsInWait is a context that ends when somebody begins to wait for its end.
type endsInWait struct {
	context.Context
	end context.CancelCauseFunc
}

func (e endsInWait) Done() <-chan struct{} {
	e.end(errOver)
	return e.Context.Done()
}

var errOver = errors.New("the time is over")

// Between the settings and the login no other process can forget the settings, and a
// login that fails is told of and can be undone.
func TestSetHoldsTheLock(t *testing.T) {
	t.Parallel()
	folder, failed := t.TempDir(), errors.New("the login failed")
	s := store(t, folder)
	set(t, s, nil, "acme+one", host)
	before := text(t, s.Path())
	undo, err := s.Set(t.Context(), map[string]credhelper.Settings{host: settings("acme+two")}, nil, func() error {
		ctx, end := context.WithCancelCause(t.Context())
		if _, err := s.Remove(endsInWait{ctx, end}, nobody, host); !errors.Is(err, errOver) || !strings.Contains(err.Error(), "is locked by another quay-keyless") {
			t.Errorf("error %v", err)
		}
		return failed
	})
	if !errors.Is(err, failed) || undo == nil {
		t.Fatalf("error %v", err)
	}
	if err := undo(t.Context()); err != nil || text(t, s.Path()) != before {
		t.Errorf("%s, %v", text(t, s.Path()), err)
	}
}

// Settings that a login in another auth file of the folder needs stay.
func TestNeededSettingsStay(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	set(t, s, nil, "acme+ci", host, "b.example")
	needed := func(needed string) bool { return needed == host }
	if _, err := s.Remove(t.Context(), needed, host, "b.example"); err != nil {
		t.Fatal(err)
	}
	if got, err := credhelper.Find(at(in(folder)), host); err != nil || !reflect.DeepEqual(got, settings("acme+ci")) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := credhelper.Find(at(in(folder)), "b.example"); !errors.Is(err, credhelper.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}
