// SPDX-License-Identifier: Apache-2.0

package keycloak

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// browser is a headless Chromium, driven by its own driver (W3C WebDriver).
type browser struct {
	t       *testing.T
	client  http.Client
	session string // its URL
}

// element is the key under which WebDriver gives a reference to an element.
const element = "element-6066-11e4-a52e-4f735466cecf"

// newBrowser starts a Chromium without any history. It takes Keycloak's own
// certificate, which only the program is told to trust.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	driver := exec.CommandContext(t.Context(), "chromedriver", "--port=0")
	driver.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with its Chromium
	output, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatalf("chromedriver is needed, see setup.sh: %v", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-driver.Process.Pid, syscall.SIGKILL)
		_ = driver.Wait()
	})
	b := &browser{t: t, client: http.Client{Timeout: 5 * time.Minute}}
	for scanner := bufio.NewScanner(output); b.session == "" && scanner.Scan(); {
		if _, port, ok := strings.Cut(scanner.Text(), "started successfully on port "); ok {
			b.session = "http://127.0.0.1:" + strings.TrimRight(port, ".")
		}
	}
	go io.Copy(io.Discard, output) //nolint:errcheck // so that it never blocks
	var begun struct{ SessionID string }
	b.ask(http.MethodPost, "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"acceptInsecureCerts": true,
		"goog:chromeOptions":  map[string]any{"args": []string{"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"}},
		"timeouts":            map[string]int{"implicit": 60_000, "pageLoad": 120_000},
	}}}, &begun)
	b.session += "/session/" + begun.SessionID
	return b
}

// ask sends a command; a failure of it fails the test.
func (b *browser) ask(method, path string, body, value any) {
	b.t.Helper()
	if body == nil {
		body = map[string]any{}
	}
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.session+path, bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodGet {
		request.Body = http.NoBody
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	answer := struct{ Value any }{value}
	text, err = io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: HTTP %d %v: %.500s", method, path, response.StatusCode, err, text)
	}
	if err := json.Unmarshal(text, &answer); value != nil && err != nil {
		b.t.Fatal(err)
	}
}

// open goes to an address.
func (b *browser) open(address string) {
	b.t.Helper()
	b.ask(http.MethodPost, "/url", map[string]string{"url": address}, nil)
}

// find waits for an element by its CSS selector, and gives its path.
func (b *browser) find(selector string) string {
	b.t.Helper()
	var found map[string]string
	b.ask(http.MethodPost, "/element", map[string]string{"using": "css selector", "value": selector}, &found)
	return "/element/" + found[element]
}

// write types into a field.
func (b *browser) write(selector, text string) {
	b.t.Helper()
	b.ask(http.MethodPost, b.find(selector)+"/value", map[string]string{"text": text}, nil)
}

// click clicks on a button.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.ask(http.MethodPost, b.find(selector)+"/click", nil, nil)
}

// heading waits for a heading of one of our own pages, and gives its text.
func (b *browser) heading() string {
	b.t.Helper()
	var text string
	b.ask(http.MethodGet, b.find("body > h1")+"/text", nil, &text)
	return text
}

// logIn fills in Keycloak's form.
func (b *browser) logIn(user, password string) {
	b.t.Helper()
	b.write("#username", user)
	b.write("#password", password)
	b.click("#kc-login")
}
