// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/process"
	"quay-keyless/internal/sandbox"
)

var update = flag.Bool("update", false, "rewrite golden output in the scripts")

// Each script of testdata/script has a sandbox of its own, made from its
// sandbox.yaml where it has one, and runs the real program against it.
func TestScripts(t *testing.T) {
	runScripts(t, "script", commands)
}

// runScripts runs the scripts of a folder in testdata.
func runScripts(t *testing.T, folder string, commands map[string]func(*testscript.TestScript, bool, []string)) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", folder),
		Setup:               setup,
		Cmds:                commands,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// TestMain fails if a test left a goroutine behind.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"quay-keyless": program, "docker-credential-quay-keyless": credentialHelper})
}

// leakless is a run of tests that fails if they left a goroutine behind.
type leakless struct{ *testing.M }

func (m leakless) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// program is main with eight differences: it is on Linux, it has the script's clock, waiting takes
// no time and is not shown, names can have the addresses that the script gives them, a browser's user
// is logged in already, the folder /var/run/secrets is one of the script's, and all
// that is said is kept for the search for secrets.
func program() {
	net.DefaultResolver = newNameServer(os.Getenv("TEST_NAMES")).resolver()
	env := process.OS("v0.0.0-test", "")
	env.Clock, env.Seconds, env.OS = scriptClock(), nil, "linux"
	readFile := env.ReadFile
	env.ReadFile = func(ctx context.Context, path string) ([]byte, error) {
		if below, ok := strings.CutPrefix(path, "/var/run/secrets/"); ok {
			path = filepath.Join(os.Getenv("WORK"), "secrets", below)
		}
		return readFile(ctx, path)
	}
	var browsing sync.WaitGroup
	env.Browse = func(_ context.Context, address string) { browser(address, &browsing) }
	if os.Getenv("TEST_BROWSER") == "none" {
		nobodyThere(&env)
	}
	said := record(env.Args)
	env.Stderr = io.MultiWriter(env.Stderr, said)
	if len(env.Args) == 0 || env.Args[0] != "token" && env.Args[0] != "credential-provider" { // whose purpose is to print one
		env.Stdout = io.MultiWriter(env.Stdout, said)
	}
	code := cli.Main(context.Background(), env)
	browsing.Wait()
	os.Exit(code)
}

// nobodyThere makes the time be over as soon as a browser is asked for.
func nobodyThere(env *process.Env) {
	interruptible, over := env.Interruptible, context.CancelCauseFunc(nil)
	env.Interruptible = func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, stop := interruptible(ctx)
		ctx, over = context.WithCancelCause(ctx)
		return ctx, stop
	}
	env.Browse = func(context.Context, string) { over(context.DeadlineExceeded) }
}

// browser follows an address as a browser does, and keeps the page in the file
// page. TEST_BROWSER is none where nobody is there, and stray where the browser
// first comes back from another login.
func browser(address string, browsing *sync.WaitGroup) {
	mode, work := os.Getenv("TEST_BROWSER"), os.Getenv("WORK")
	roots := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(work, "ca.pem"))
	if err != nil || !roots.AppendCertsFromPEM(ca) {
		panic(err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	open := func(address, file string) {
		response, err := client.Get(address)
		if err != nil {
			panic(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err := errors.Join(err, os.WriteFile(filepath.Join(work, file), text, 0o600)); err != nil {
			panic(err)
		}
	}
	if mode == "stray" {
		u, err := url.Parse(address)
		if err != nil {
			panic(err)
		}
		open(u.Query().Get("redirect_uri")+"?code=somebody&state=another", "stray")
	}
	browsing.Go(func() { open(address, "page") })
}

func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if text != "" && err != nil {
		panic(err)
	}
	return d
}

// scriptClock is a program's clock in a script: it stands still at the script's
// beginning, TEST_NOW, whatever a busy machine makes of the time since, and is
// wrong by TEST_CLOCK. Without a script it goes.
func scriptClock() *impatient {
	clock := &impatient{wrong: duration(os.Getenv("TEST_CLOCK"))}
	if text := os.Getenv("TEST_NOW"); text != "" {
		now, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		clock.now = func() time.Time { return now }
	}
	return clock
}

// still is a clock that stands still, at a whole second, as all times in tokens
// and in Date headers are.
func still() func() time.Time {
	now := time.Now().Truncate(time.Second)
	return func() time.Time { return now }
}

// impatient is a clock on which waiting takes no time.
type impatient struct {
	now    func() time.Time // [time.Now] if nil
	wrong  time.Duration
	waited atomic.Int64 // nanoseconds
}

func (c *impatient) Now() time.Time {
	now := time.Now
	if c.now != nil {
		now = c.now
	}
	return now().Add(c.wrong + time.Duration(c.waited.Load()))
}

func (c *impatient) Sleep(_ context.Context, d time.Duration) error {
	c.waited.Add(int64(d))
	return nil
}

// record opens the script's record and notes the arguments in it.
func record(args []string) io.Writer {
	file, err := os.OpenFile(recordPath(os.Getenv("WORK")), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	pid := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(filepath.Join(os.Getenv("WORK"), ".pid"), []byte(pid), 0o600); err != nil && !errors.Is(err, os.ErrPermission) {
		panic(err)
	}
	if _, err := file.WriteString("$ quay-keyless " + strings.Join(args, " ") + "\n"); err != nil {
		panic(err)
	}
	return file
}

func recordPath(work string) string { return filepath.Join(work, ".record") }

// script is what a script's commands share.
type script struct {
	sandbox *sandbox.Sandbox
	proxy   *proxy
	now     time.Time // when it began
}

type scriptKey struct{}

// noSleep spares a program that is built with -race the second that it sleeps when
// it exits.
const noSleep = "atexit_sleep_ms=0"

// keys are shared: making one takes a tenth of a second.
var keys = sandbox.NewKeys()

// setup starts the script's sandbox and gives the script a home, a runtime folder, the private
// CA and the registry's name, but none of a CI platform's variables. The time
// stands still, but for advance and what a program waits.
func setup(env *testscript.Env) error {
	config, err := config(filepath.Join(env.WorkDir, "sandbox.yaml"))
	if err != nil {
		return err
	}
	config.Now = still()
	s := &script{now: config.Now()}
	if s.sandbox, err = newSandbox(config); err != nil {
		return err
	}
	if err := s.sandbox.Listen(cmp.Or(config.Listen, "127.0.0.1:0")); err != nil {
		return err
	}
	env.Values[scriptKey{}] = s
	env.Defer(func() { _ = s.sandbox.Close() })
	home := filepath.Join(env.WorkDir, "home")
	runtime := filepath.Join(env.WorkDir, "runtime") // only root has one without the variable
	ca := filepath.Join(env.WorkDir, "ca.pem")
	env.Setenv("GORACE", noSleep)
	env.Setenv("TEST_NOW", s.now.UTC().Format(time.RFC3339))
	env.Setenv("HOME", home)
	env.Setenv("COLUMNS", "500") // patterns are about whole lines
	env.Setenv("XDG_RUNTIME_DIR", runtime)
	env.Setenv("REGISTRY", s.sandbox.Host)
	env.Setenv("API_TOKEN", s.sandbox.APIToken())
	env.Setenv("SANDBOX", s.sandbox.URL)
	env.Setenv("PLAIN_REGISTRY", s.sandbox.PlainURL)
	env.Setenv("ISSUERS", s.sandbox.URL+"/issuers")
	_, port, _ := strings.Cut(s.sandbox.Host, ":")
	env.Setenv("TAKEN_PORT", port)
	env.Setenv("QUAY_CA_CERTIFICATE", ca)
	env.Setenv("CONFIG", filepath.Join(home, ".docker", "config.json"))
	env.Defer(func() {
		if err := findSecrets(env.WorkDir); err != nil {
			env.T().Fatal(err)
		}
	})
	return errors.Join(os.MkdirAll(home, 0o700), os.Mkdir(runtime, 0o700), os.WriteFile(ca, s.sandbox.CA, 0o600))
}

func config(path string) (sandbox.Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return sandbox.Config{}, nil
	}
	if err != nil {
		return sandbox.Config{}, err
	}
	return sandbox.ReadConfig(text)
}
