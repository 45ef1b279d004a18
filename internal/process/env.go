// SPDX-License-Identifier: Apache-2.0

// Package process holds what the program gets from its process: arguments, variables,
// streams, files, the clock, signals and the network. Nothing below main reads the
// process itself.
package process

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"quay-keyless/internal/ascii"
	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/ownfile"
)

// Env is everything that the program gets from its process. Only main builds it.
type Env struct {
	Args           []string // without the program's name
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// StdoutClosed: standard output was closed when the process began, or looks so.
	// Writes to it get lost without an error.
	StdoutClosed bool
	// ReadFile reads a file that the user named, which may be a slow pipe, until ctx
	// ends.
	ReadFile func(ctx context.Context, path string) ([]byte, error)
	// Transport makes a transport with these TLS settings.
	Transport func(*tls.Config) http.RoundTripper
	Clock     endpoint.Clock
	// Seconds ticks each second until stop is called, for [Waiting]; nil to show nothing.
	Seconds func() (ticks <-chan time.Time, stop func())
	// Interruptible returns a context that a signal ends, for commands that wait.
	Interruptible func(context.Context) (context.Context, context.CancelFunc)
	UID           int    // the user's number, -1 on Windows
	OS            string // as runtime.GOOS
	// Trust says which users' files the program obeys.
	Trust ownfile.Trust
	// Executable is the path of the running program.
	Executable func() (string, error)
	Version    string
	// Repository is the program's OWNER/NAME, as in the action and the GitLab component;
	// "" unless a release sets it.
	Repository string
	// CredentialStore returns what docker-credential-NAME answers to list; nil if no
	// program can run.
	CredentialStore func(ctx context.Context, name string) ([]byte, error)
	// Browse opens an address in the user's browser; nil if there is none.
	Browse func(ctx context.Context, address string)
}

// OS is the process's own environment. A release build sets version and repository;
// without a version the module's own counts, if there is one.
//
// It changes two things for the whole process: the umask keeps the owner's rights, and
// the standard library's logger writes nowhere, because net/http logs what a server
// sends, and secrets with GODEBUG=http2debug=1.
func OS(version, repository string) Env {
	keepOwner()
	log.SetOutput(io.Discard)
	if info, ok := debug.ReadBuildInfo(); version == "" && ok {
		version = info.Main.Version
	}
	executable, _ := os.Executable() // without one nobody more is trusted
	return Env{
		Args:          os.Args[1:],
		Getenv:        os.Getenv,
		Stdin:         os.Stdin,
		Stdout:        os.Stdout,
		Stderr:        os.Stderr,
		StdoutClosed:  stdoutClosed(),
		ReadFile:      readFile,
		Transport:     transport,
		Clock:         SystemClock{},
		Seconds:       seconds,
		Interruptible: interruptible,
		UID:           os.Getuid(),
		OS:            runtime.GOOS,
		Trust:         ownfile.By(os.Getuid(), executable),
		Executable:    os.Executable,
		Version:       version,
		Repository:    repository,
		Browse:        browse(os.Getenv, os.Environ()),

		CredentialStore: credentialStore,
	}
}

// maxFile is far larger than any ID token or CA bundle.
const maxFile = 4 << 20

// readFile reads any file that the user named.
func readFile(ctx context.Context, path string) ([]byte, error) {
	file, err := openNamed(ctx, path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	return text, err
}

// Input is standard input until ctx ends.
func (e Env) Input(ctx context.Context) io.Reader { return input(ctx, e.Stdin) }

// Reader is ReadFile with this context.
func (e Env) Reader(ctx context.Context) func(path string) ([]byte, error) {
	return func(path string) ([]byte, error) { return e.ReadFile(ctx, path) }
}

// transport is Go's default one, with proxies from the environment, HTTP/2 and these TLS
// settings.
func transport(config *tls.Config) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = proxy
	t.TLSClientConfig = config
	return t
}

// proxy is the environment's proxy for a request, unless its name is not ASCII.
func proxy(request *http.Request) (*url.URL, error) {
	address, err := http.ProxyFromEnvironment(request)
	if err != nil || address == nil {
		return nil, err
	}
	if err := ascii.Host(address.Host); err != nil {
		return nil, endpoint.Final(&endpoint.Unreachable{Name: fmt.Sprintf("the proxy at %+q", address.Host), Attempts: 1, Err: err})
	}
	return address, nil
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now is the present time.
func (SystemClock) Now() time.Time { return time.Now() }

// seconds ticks each second.
func seconds() (ticks <-chan time.Time, stop func()) {
	ticker := time.NewTicker(time.Second)
	return ticker.C, ticker.Stop
}

// Sleep waits, unless ctx ends first; the error is its cause.
func (SystemClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
