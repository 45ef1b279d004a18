// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// payloads are what others could write where they have a word to say. PWN tells them
// from our words, and a shell that ran one would make a file of that name.
var payloads = map[string]string{
	"lines":               "PWN\nPWN: x\r\nPWN",
	"carriage return":     "PWN\rerror: PWN",
	"command":             "::error::PWN",
	"command later":       "PWN\n::error file=a,line=1::PWN",
	"set-output":          "x\n::set-output name=PWN::x",
	"blanks, then one":    "\u00a0 \t::add-mask::PWN",
	"stop-commands":       "::stop-commands::PWN",
	"encoded":             "%0A::error::PWN%0D%0A%25",
	"old command":         "PWN ##[add-path]/PWN ###[group]",
	"command of Azure":    "##vso[task.setvariable variable=PWN]x ##[error]PWN",
	"command of TeamCity": "##teamcity[setParameter name='PWN' value='x']",
	"file command":        "x\n_GitHubActionsFileCommandDelimeter_\nPWN=x\nPWN<<EOF\nx\nEOF",
	"colours":             "\x1b[2J\x1b[1;31mPWN\x1b[0m",
	"colours of 8 bits":   "\u009b2JPWN \x9b31m",
	"link of a terminal":  "\x1b]8;;https://elsewhere.example\x1b\\PWN\x1b]8;;\x1b\\",
	"clipboard":           "\x1b]52;c;UFdO\x07PWN",
	"title":               "\x1b]0;PWN\x07",
	"right to left":       "\u202ePWN\u202c \u2066x\u2069 \u200b\u200f\ufeff",
	"other line ends":     "PWN\u2028::error::PWN\u0085::error::PWN\v\f",
	"section":             "section_start:1:PWN\r\x1b[0KPWN\nsection_end:1:PWN\r\x1b[0K",
	"shell":               "$(:>PWN)`:>PWN`;:>PWN;|:>PWN&&:>PWN\n:>PWN",
	"quotes":              "';:>PWN;'\";:>PWN;\"\\';:>PWN;",
	"options":             "--PWN -o PWN",
	"HTML":                "<script>PWN</script><img src=x onerror=PWN></code></td></table><!-- PWN",
	"markdown":            "[PWN](https://elsewhere.example) ![](x) **PWN** | PWN | `PWN` \\",
	"fence":               "`````",
	"fences":              "PWN\n```\n# PWN\n````\n~~~",
	"YAML and JSON":       "\"}, \"PWN\": {\"\n- PWN: x\n---\n",
	"format":              "%s%n%!d(PWN)%[1]d",
	"NUL and bytes":       "PWN\x00\xff\xfe\x7f\b\b",
}

// TestHostileInput puts the payloads into each place, in each host. No line becomes a
// command of the host's, no terminal sees an escape, no output is added, the summary
// keeps its form, and what can be pasted does in a shell what it says.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(payloads))
	t.Cleanup(func() { // when all of them are done
		if n := pastes.Load(); n < 40 {
			t.Errorf("a shell was given %d lines, want more", n)
		}
	})
	for host := range worldHosts {
		for i, p := range places() {
			if host != "github" && strings.Contains(p.name, "GitHub's endpoint") {
				continue
			}
			var met []string
			for at, name := range names {
				if p.meets(host, i+at) {
					met = append(met, name)
				}
			}
			t.Run(host+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				for _, name := range met {
					p.expect(t, host, name)
				}
			})
		}
	}
}

// expect puts one payload into the place.
func (p place) expect(t *testing.T, host, name string) {
	t.Helper()
	w := newWorld()
	if p.oidc {
		maps.Copy(w.variables, map[string]string{"QUAY_OIDC_ISSUER": worldIssuer, "OIDC_CLIENT_ID": "quay", "OIDC_CLIENT_SECRET": worldClient, "QUAY_ID_TOKEN_ENV": ""})
	}
	p.put(w, payloads[name])
	j := w.run(t, host, strings.Fields(p.args))
	j.payload = payloads[name]
	if wrong := j.wrong(t, host); wrong != "" {
		t.Errorf("%s: %s\nstdout: %q\nstderr: %q\nfiles: %q", name, wrong, j.stdout, j.stderr, j.files)
	}
}
