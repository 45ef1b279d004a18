// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestMaliciousRegistry has a registry point elsewhere by each of its answers: the ID
// token and the robot token go to its own host name by https, and nowhere else. What
// is asked there has no credential but at the registry's own address.
func TestMaliciousRegistry(t *testing.T) {
	t.Parallel()
	cases := pointers()
	for _, args := range []string{"login " + worldArgs, "login --check acme/app:push " + worldArgs, "doctor " + worldArgs, "token " + worldArgs} {
		credentials := 0
		for name, put := range cases {
			w := newWorld()
			put(w)
			j := w.run(t, "terminal", strings.Fields(args))
			if len(w.seen) == 0 {
				t.Errorf("%s, %s: asked nobody", name, args)
			}
			for _, request := range w.seen {
				host := request.URL.Hostname()
				secret := request.Header.Get("Authorization") != ""
				switch {
				case host == "issuer.example" && !secret: // doctor looks at the issuer
				case host != faultsName || request.URL.Scheme != "https":
					t.Errorf("%s, %s: asked %.200s, with a credential: %t", name, args, request.URL, secret)
				case secret:
					credentials++
				}
			}
			if wrong := j.wrong(t, "terminal"); wrong != "" {
				t.Errorf("%s, %s: %s", name, args, wrong)
			}
		}
		if credentials < len(cases) {
			t.Errorf("%s: %d credentials were sent in %d cases, want more", args, credentials, len(cases))
		}
	}
}

// pointers are the ways in which a registry's answers can point elsewhere.
func pointers() map[string]func(*world) {
	const other = "elsewhere.example"
	cases := map[string]func(*world){
		"redirect of the ping":     func(w *world) { w.answers["/v2/"] = redirect("https://" + other + "/v2/") },
		"ping to http":             func(w *world) { w.answers["/v2/"] = redirect("http://" + faultsName + "/v2/") },
		"ping in a loop":           func(w *world) { w.answers["/v2/"] = redirect("/v2/") },
		"redirect of the exchange": func(w *world) { w.answers[exchangePath] = redirect("https://" + other + exchangePath) },
		"exchange to http":         func(w *world) { w.answers[exchangePath] = redirect("http://" + faultsName + exchangePath) },
		"redirect of the proof":    func(w *world) { w.answers["/v2/auth"] = redirect("https://" + other + "/v2/auth") },
		"proof to http":            func(w *world) { w.answers["/v2/auth"] = redirect("http://" + faultsName + "/v2/auth") },
		"proof in a loop":          func(w *world) { w.answers["/v2/auth"] = redirect("/v2/auth") },
	}
	for i, realm := range []string{
		"https://" + other + "/v2/auth", "http://" + faultsName + "/v2/auth", "https://" + faultsName + "@" + other + "/v2/auth",
		"https://" + faultsName + "." + other + "/v2/auth", "https://" + faultsName + `\@` + other + "/v2/auth", "https://" + other + "#@" + faultsName + "/",
		"https://" + other + "/?@" + faultsName, "//" + other + "/v2/auth", `https:\\` + other, "https:/" + other, "https:" + other, "ftp://" + faultsName + "/v2/auth",
		"https://" + faultsName + ":444/v2/auth", "https://user:password@" + faultsName + "/v2/auth", "https://" + faultsName + "/../../etc/%2e%2e/auth",
		"https://" + faultsName + "%2e" + other + "/v2/auth", "https://[::1]/v2/auth", "https://127.0.0.1/v2/auth", "https://" + faultsName + "\x00." + other + "/",
		"https://" + strings.Repeat("a", 64<<10) + "/", "https://" + faultsName + "/" + strings.Repeat("a", 64<<10),
	} {
		cases[fmt.Sprintf("realm %d %.60q", i, realm)] = func(w *world) { w.answers["/v2/"] = challenged(`Bearer realm="PAYLOAD",service="x"`)(realm) }
	}
	for i, challenge := range []string{
		`Bearer realm="https://` + faultsName + `/v2/auth", Bearer realm="https://` + other + `/v2/auth"`,
		`Bearer realm="https://` + other + `/v2/auth", Bearer realm="https://` + faultsName + `/v2/auth"`,
		`Basic realm="https://` + other + `/", Bearer realm="https://` + other + `/"`,
		`Bearer realm="https://` + faultsName + `/v2/auth",realm="https://` + other + `/v2/auth"`,
		`Bearer REALM="https://` + other + `/v2/auth",service="https://` + other + `"`,
		`Negotiate, Bearer realm=https://` + other + `/v2/auth`,
		strings.Repeat(`Bearer realm="https://`+other+`/",`, 1_000),
	} {
		cases[fmt.Sprintf("challenge %d", i)] = func(w *world) { w.answers["/v2/"] = reply{401, "", map[string]string{"Www-Authenticate": challenge}} }
	}
	return cases
}
