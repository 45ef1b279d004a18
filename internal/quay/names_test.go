// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"strings"
	"testing"

	"quay-keyless/internal/ascii"
	"quay-keyless/internal/quay"
)

func TestParseRegistry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want quay.Registry
		key  string
	}{
		{"quay.io", quay.Registry{Host: "quay.io"}, "quay.io"},
		{"https://quay.io", quay.Registry{Host: "quay.io"}, "quay.io"},
		{"https://quay.io/", quay.Registry{Host: "quay.io"}, "quay.io"},
		{"https://quay.io/v2/", quay.Registry{Host: "quay.io"}, "quay.io"},
		{"http://quay.example:8080/v1", quay.Registry{Host: "quay.example:8080", PlainHTTP: true}, "quay.example:8080"},
		{"quay.io/v2//", quay.Registry{Host: "quay.io"}, "quay.io"},
		{"HTTPS://Quay.IO", quay.Registry{Host: "quay.io"}, "quay.io"},
		{"quay.io/acme", quay.Registry{Host: "quay.io", Namespace: "acme"}, "quay.io/acme"},
		{"https://quay.io/acme/", quay.Registry{Host: "quay.io", Namespace: "acme"}, "quay.io/acme"},
		{"quay.example:8443", quay.Registry{Host: "quay.example:8443"}, "quay.example:8443"},
		{"quay.example:8443/acme", quay.Registry{Host: "quay.example:8443", Namespace: "acme"}, "quay.example:8443/acme"},
		{"http://quay.example", quay.Registry{Host: "quay.example", PlainHTTP: true}, "quay.example"},
		{"http://localhost:5000/acme", quay.Registry{Host: "localhost:5000", Namespace: "acme", PlainHTTP: true}, "localhost:5000/acme"},
		{"localhost", quay.Registry{Host: "localhost"}, "localhost"},
		{"127.0.0.1:5000", quay.Registry{Host: "127.0.0.1:5000"}, "127.0.0.1:5000"},
		{"xn--bcher-kva.example:443", quay.Registry{Host: "xn--bcher-kva.example:443"}, "xn--bcher-kva.example:443"},
		{"XN--BCHER-KVA.example", quay.Registry{Host: "xn--bcher-kva.example"}, "xn--bcher-kva.example"},
		{"[::1]:5000", quay.Registry{Host: "[::1]:5000"}, "[::1]:5000"},
		{"[2001:DB8::1]", quay.Registry{Host: "[2001:db8::1]"}, "[2001:db8::1]"},
		{"quay_1.example:65535/a.b-c_d", quay.Registry{Host: "quay_1.example:65535", Namespace: "a.b-c_d"}, "quay_1.example:65535/a.b-c_d"},
	}
	for _, test := range tests {
		got, err := quay.ParseRegistry(test.text)
		if err != nil || got != test.want || got.Key() != test.key {
			t.Errorf("%q: got %+v with the key %q, %v", test.text, got, got.Key(), err)
		}
		if again, err := quay.ParseRegistry(got.String()); err != nil || again != got {
			t.Errorf("%q printed as %q became %+v, %v", test.text, got.String(), again, err)
		}
	}
}

// noRegistries are texts, and what is said of each.
var noRegistries = map[string]string{
	"":                            "no host name",
	"https://":                    "no host name",
	"/acme":                       "no host name",
	"https:///acme":               "no host name",
	"quay.io/acme/app":            `the path "acme/app" has more than one part`,
	"quay.io//acme":               "more than one part",
	"https://quay.io/a/b/c/":      "more than one part",
	"ftp://quay.io":               `the scheme is "ftp", not http or https`,
	"docker://quay.io":            `the scheme is "docker"`,
	"://quay.io":                  `the scheme is ""`,
	"quay.io:0":                   `the port "0" is not a number from 1 to 65535`,
	"quay.io:65536":               `the port "65536"`,
	"quay.io:https":               "not a host name with an optional port",
	"quay.io:":                    `the port ""`,
	"quay.io:-1":                  "not a host name with an optional port",
	"quay.io:443:443":             "not a host name with an optional port",
	"https:/quay.io":              `the port ""`,
	"user@quay.io":                "only a host, a port and an organization",
	"https://u:hunter2@q.io":      "only a host, a port and an organization",
	"quay.io?x=y":                 "only a host, a port and an organization",
	"quay.io#x":                   "only a host, a port and an organization",
	"quay.io/%61cme":              "only a host, a port and an organization",
	"acme+ci":                     "only a host, a port and an organization",
	"$(id)":                       "only a host, a port and an organization",
	"quay.io;id":                  "only a host, a port and an organization",
	"<b>":                         "only a host, a port and an organization",
	"quay.io/ACME":                `"ACME" cannot be an organization's name`,
	"quay.io/-acme":               `"-acme" cannot be an organization's name`,
	"quay.io/ac me":               `"ac me" cannot be an organization's name`,
	"quay io":                     "not a host name with an optional port",
	" quay.io":                    "not a host name with an optional port",
	"quay.io\n":                   "not a host name with an optional port",
	"quay.io\x00":                 "not a host name with an optional port",
	"::1":                         "not a host name with an optional port",
	"[::1":                        "not a host name with an optional port",
	"[fe80::1%25eth0]":            "only a host, a port and an organization",
	`quay.io\acme`:                "not a host name with an optional port",
	"quay.io`id`":                 "not a host name with an optional port",
	strings.Repeat("/", 10):       "no host name",
	"https://https://quay.io":     "more than one part",
	"quay.io/acme\u202e":          "in the organization's name, the character U+202E at position 5 is not ASCII",
	"qu\u0430y.io":                `registry "qu\u0430y.io": the character U+0430 at position 3 is not ASCII; write an internationalized host name in punycode (xn--...)`,
	"https://qu\u0430y.io:8443/a": "the character U+0430 at position 3 is not ASCII",
	"quay\u3002io":                "the character U+3002 at position 5 is not ASCII",
	"\u212aay.io":                 "the character U+212A at position 1 is not ASCII", // strings.ToLower makes a k of it
	"bücher.example":              "punycode",
	"quay.io\xff":                 "the byte 0xff at position 8 is not ASCII",
	"quay.io/acme\x1b[2J/evil":    "more than one part",
	"docker.io":                   "that is Docker Hub, not a Quay",
	"https://docker.io/acme":      "that is Docker Hub, not a Quay",
}

func TestParseRegistryRefuses(t *testing.T) {
	t.Parallel()
	for text, words := range noRegistries {
		got, err := quay.ParseRegistry(text)
		if err == nil || !strings.Contains(err.Error(), words) || !strings.HasPrefix(err.Error(), "registry") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %+v, %v", text, got, err)
		} else if !oneLine(err.Error()) {
			t.Errorf("%q: the error is not one printable line: %q", text, err)
		}
	}
}

// longestName is the longest short name of a robot.
var longestName = strings.Repeat("x", 255)

func TestParseRobot(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]quay.Robot{
		"acme+ci":             {Namespace: "acme", Name: "ci"},
		"jane_doe+build-1":    {Namespace: "jane_doe", Name: "build-1"},
		"a.b-c+d.e_f-0":       {Namespace: "a.b-c", Name: "d.e_f-0"},
		"acme+" + longestName: {Namespace: "acme", Name: longestName},
		"_old+00":             {Namespace: "_old", Name: "00"},
		"acme--double+rel1":   {Namespace: "acme--double", Name: "rel1"},
	} {
		got, err := quay.ParseRobot(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

func TestParseRobotRefuses(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"":                          "the name is empty",
		"ci":                        "there is no + in it",
		"acme/ci":                   "write acme+ci",
		"$oauthtoken":               "there is no + in it",
		"+ci":                       "no organization or user before the +",
		"acme+":                     "there is no name after the +",
		"acme+c":                    "2 to 255 characters, this one has 1",
		"acme+" + longestName + "x": "2 to 255 characters, this one has 256",
		"acme+ci+x":                 "more than one +",
		"acme + ci":                 "white space",
		" acme+ci":                  "white space",
		"acme+ci\n":                 "white space",
		"acme+\tci":                 "white space",
		"Acme+ci":                   "lower-case",
		"acme+CI":                   "lower-case",
		"acme+c--i":                 "with single . _ or -",
		"acme+-ci":                  "with single . _ or -",
		"acme+ci-":                  "with single . _ or -",
		"acme+c:i":                  "with single . _ or -",
		"acme+c\x00i":               "with single . _ or -",
		"acme+cé":                   "the character U+00E9 at position 7 is not ASCII",
		"\u0430cme+ci":              `robot "\u0430cme+ci": the character U+0430 at position 1 is not ASCII`,
		"acme+c\u00a0i":             "the character U+00A0 at position 7 is not ASCII",
		"ac:me+ci":                  `"ac:me" cannot be the name of an organization or user`,
		"-acme+ci":                  `"-acme" cannot be the name`,
		"quay.io/acme+ci":           `"quay.io/acme" cannot be the name`,
		"acme\x1b[2J+ci\x07":        "lower-case",
	} {
		got, err := quay.ParseRobot(text)
		if err == nil || !strings.Contains(err.Error(), words) || got != (quay.Robot{}) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		} else if !oneLine(err.Error()) {
			t.Errorf("%q: the error is not one printable line: %q", text, err)
		}
	}
}

func TestParsePermission(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]quay.Permission{
		"acme/app":      {Repository: "acme/app", Action: "push"},
		"acme/app:push": {Repository: "acme/app", Action: "push"},
		"acme/app:pull": {Repository: "acme/app", Action: "pull"},
		"acme/a/b":      {Repository: "acme/a/b", Action: "push"},
		"a_c.m-e/app.1": {Repository: "a_c.m-e/app.1", Action: "push"},
	} {
		if got, err := quay.ParsePermission(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	for text, words := range map[string]string{
		"":                      "a repository is written ORG/REPO",
		"app":                   "a repository is written ORG/REPO",
		"app:pull":              "a repository is written ORG/REPO",
		"acme/app:":             `pull or push, not ""`,
		"acme/app:admin":        `pull or push, not "admin"`,
		"acme/app:PULL":         `pull or push, not "PULL"`,
		"acme/app:pull,push":    `pull or push, not "pull,push"`,
		"acme/app:pull:push":    `pull or push, not "pull:push"`,
		"quay.io:443/acme/app":  "pull or push",
		"https://quay.io/a/b":   "pull or push",
		"Acme/app":              "cannot be a repository's name",
		"acme/a b":              "cannot be a repository's name",
		"acme/app@sha256":       "cannot be a repository's name",
		"acme/app\n":            "cannot be a repository's name",
		"/app":                  "cannot be a repository's name",
		"acme/":                 "cannot be a repository's name",
		"acme//app":             "cannot be a repository's name",
		"acme/../other":         "cannot be a repository's name",
		"acme/*":                "cannot be a repository's name",
		"\u0430cme/app":         `check "\u0430cme/app": the character U+0430 at position 1 is not ASCII`,
		"a/" + longRepository(): "cannot be a repository's name",
	} {
		if got, err := quay.ParsePermission(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

func longRepository() string { return strings.Repeat("x", 300) }

// oneLine reports whether people see text as one line that nothing disturbs.
func oneLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' || r == '\u0085' || r == '\u2028' })
}

func FuzzParseRegistry(f *testing.F) {
	for _, seed := range []string{"quay.io", "HTTP://Quay.io:80/acme/", "[::1]:5000", "a://b", "https://İ", "quay.io:", "x/y", "ß:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := quay.ParseRegistry(text)
		if err != nil {
			if !oneLine(err.Error()) {
				t.Errorf("%q", err)
			}
			return
		}
		if again, err := quay.ParseRegistry(r.String()); err != nil || again != r {
			t.Errorf("%q is %+v, and printed %+v, %v", text, r, again, err)
		}
		if err := ascii.Check(text); err != nil {
			t.Errorf("%+q is %+v: %v", text, r, err)
		}
		if r.Host == "" || strings.ContainsAny(r.Key(), " \t\r\n\"'`$()<>&;|\\@?#%") || strings.Count(r.Key(), "/") > 1 {
			t.Errorf("%q has the key %q", text, r.Key())
		}
	})
}

func FuzzParseRobot(f *testing.F) {
	for _, seed := range []string{"acme+ci", "+", "a+b+c", "A+bb", "acme+" + strings.Repeat("x", 256), "\xff+ci", "a\n+ci"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		robot, err := quay.ParseRobot(text)
		switch {
		case err != nil && !oneLine(err.Error()):
			t.Errorf("%q", err)
		case err == nil && robot.String() != text:
			t.Errorf("%q is printed as %q", text, robot)
		case err == nil && ascii.Check(text) != nil:
			t.Errorf("%+q is a robot's name", text)
		case err == nil && strings.ContainsAny(text, ":/ \n@\"'`$\\"):
			t.Errorf("%q is a robot's name", text)
		}
	})
}

func FuzzParsePermission(f *testing.F) {
	for _, seed := range []string{"acme/app:pull", "acme/app", "/", "a/b:", "::", "a/../b", "localhost/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := quay.ParsePermission(text)
		if err != nil {
			return
		}
		if again, err := quay.ParsePermission(p.Repository + ":" + p.Action); err != nil || again != p {
			t.Errorf("%q is %+v, and printed %+v, %v", text, p, again, err)
		}
	})
}
