// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/sandbox"
)

// picture is what a terminal shows of commands that a job runs.
type picture struct {
	name     string
	job      sandbox.Job
	commands []string
	exit     int
}

var drawFolder = flag.String("draw", "", "a `folder` whose text files TestPictures draws too")

var pictures = []picture{
	{"login", sandbox.Job{}, []string{"login quay.example.com --robot acme+ci", "logout quay.example.com"}, 0},
	{"refusal", sandbox.Job{Environment: "release"}, []string{"login quay.example.com --robot acme+ci"}, 4},
}

// The pictures in the README show what the program says, at a sandbox that is
// quay.example.com to it. Of its words the home folder and the issuer's address
// are changed, and long lines are broken between words.
// -update draws them anew.
func TestPictures(t *testing.T) {
	t.Parallel()
	drawTexts(t, *drawFolder)
	for _, p := range pictures {
		t.Run(p.name, func(t *testing.T) {
			var said string
			synctest.Test(t, func(t *testing.T) { said = p.said(t) })
			path := filepath.Join("..", "..", "docs", "pictures", p.name+".svg")
			drawn := draw(said)
			if *update {
				if err := os.WriteFile(path, drawn, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if was, err := os.ReadFile(path); err != nil || !bytes.Equal(was, drawn) {
				t.Errorf("%s does not show what the program says (%v): go test ./cmd/quay-keyless -run TestPictures -update\n%s", path, err, said)
			}
		})
	}
}

// drawTexts draws each text file of a folder, for tools/pictures/draw.sh.
func drawTexts(t *testing.T, folder string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(folder, "*.txt"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(strings.TrimSuffix(file, "txt")+"svg", draw(string(text)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// said runs the commands one after the other, and gives them with their words.
func (p picture) said(t *testing.T) string {
	time.Sleep(9 * time.Hour) // of the fake clock, which begins at midnight
	network := newMemory()
	box := network.serve(t, faultsHost, sandbox.Config{})
	home := t.TempDir()
	var text strings.Builder
	for _, command := range p.commands {
		words, code := p.run(t, network, box, home, strings.Fields(command))
		if code != p.exit {
			t.Errorf("%s: exit code %d, want %d", command, code, p.exit)
		}
		fmt.Fprintf(&text, "$ quay-keyless %s\n%s", command, words)
	}
	network.close()
	return strings.NewReplacer(home+"/containers", "/run/user/1000/containers", home, "/home/ci", box.URL+"/issuers/github", "https://token.actions.githubusercontent.com").Replace(text.String())
}

func (p picture) run(t *testing.T, network *memory, box *sandbox.Sandbox, home string, args []string) (string, int) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(box.CA)
	variables := box.GitHubEnv(p.job)
	delete(variables, "GITHUB_ACTIONS") // it speaks as in a terminal
	variables["HOME"], variables["XDG_RUNTIME_DIR"] = home, home
	env := inMemory(network, variables, args...)
	env.OS, env.UID = "linux", os.Getuid()                       // whose folder that is
	env.Transport = func(config *tls.Config) http.RoundTripper { // its words name no CA
		transport := network.transport(config)
		transport.TLSClientConfig.RootCAs = roots
		return transport
	}
	code, stdout, stderr := run(t, cli.Main, env)
	network.hangUp()
	return stdout + stderr, code
}

// The measures of a picture, in pixels but for the length of a line, in characters.
const (
	lineLength = 100
	characters = 8.4 // how wide one is
	lineHeight = 20
	margin     = 20
)

// draw makes an SVG of a terminal, dark on pages of any colour. The program says
// nothing in colour; commands are bold.
func draw(text string) []byte {
	lines := slices.Collect(strings.Lines(text))
	var body bytes.Buffer
	row := 0
	for _, line := range lines {
		command := strings.HasPrefix(line, "$ ")
		if command && row > 0 {
			row++ // an empty line before it
		}
		for _, part := range broken(strings.TrimSuffix(line, "\n")) {
			row++
			class := ""
			if command {
				class = ` class="command"`
			}
			fmt.Fprintf(&body, "<text%s x=\"%d\" y=\"%d\" textLength=\"%.1f\">%s</text>\n",
				class, margin, margin+row*lineHeight-6, characters*float64(len(part)), html.EscapeString(part))
		}
	}
	width, height := characters*lineLength+2*margin, row*lineHeight+2*margin
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d">
<!-- Drawn by TestPictures in cmd/quay-keyless. -->
<style>text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6edf3; white-space: pre } .command { font-weight: bold; fill: #ffffff }</style>
<rect x="0.5" y="0.5" width="%.0f" height="%d" rx="8" fill="#161b22" stroke="#57606a"/>
`, width, height, width, height, width-1, height-1)
	svg.Write(body.Bytes())
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

// broken is a line in parts that fit.
func broken(line string) []string {
	var parts []string
	for len(line) > lineLength {
		space := strings.LastIndexByte(line[:lineLength+1], ' ')
		if space <= 0 { // one long word
			parts, line = append(parts, line[:lineLength]), line[lineLength:]
			continue
		}
		parts, line = append(parts, line[:space]), line[space+1:]
	}
	return append(parts, line)
}
