// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// place is somewhere that others have a word to say: a command that meets it, and how.
type place struct {
	name string
	args string // fields
	put  func(w *world, payload string)
	// oidc: the ID token is an OIDC provider's.
	oidc bool
	// users: the words are of whoever wrote the job, and each host hands some of them on.
	users bool
}

const worldArgs = faultsName + " --robot acme+ci"

// setReply changes what an address says.
func setReply(path string, change func(payload string) reply) func(*world, string) {
	return func(w *world, payload string) { w.answers[path] = change(payload) }
}

func words(status int, field string) func(string) reply {
	return func(payload string) reply { return reply{status, object{field: payload}, nil} }
}

func page(status int) func(string) reply {
	return func(payload string) reply {
		return reply{status, "<html><title>" + payload + "</title></html>", map[string]string{"Content-Type": "text/html"}}
	}
}

func redirect(payload string) reply {
	return reply{302, "", map[string]string{"Location": payload}}
}

func challenged(format string) func(string) reply {
	return func(payload string) reply {
		return reply{401, "", map[string]string{"Www-Authenticate": strings.ReplaceAll(format, "PAYLOAD", payload)}}
	}
}

// claim changes what the ID token says, which Quay then refuses.
func claim(name string) func(*world, string) {
	return func(w *world, payload string) {
		w.claims[name] = payload
		w.answers[exchangePath] = reply{400, object{"message": "Token does not match robot"}, nil}
	}
}

func places() []place {
	all := slices.Concat(quayPlaces(), tokenPlaces(), apiPlaces())
	for _, p := range userPlaces() {
		p.users = true
		all = append(all, p)
	}
	return all
}

// meets reports whether a payload is put into a place on a host. GitLab's and
// Tekton's words are a terminal's ([platform.Detect]), where all of them are met: there
// every fourth does, and each place has other ones than the place before. Without
// -race so it is on each host.
func (p place) meets(host string, number int) bool {
	switch {
	case !whole:
		return number%4 == len(host)%4
	case host == "gitlab":
		return number%4 == 0
	case host == "tekton":
		return p.users || number%4 == 2
	}
	return true
}

// quayPlaces are what a registry, or what is in front of it, says.
func quayPlaces() []place {
	const login = "login " + worldArgs
	return []place{
		{name: "refusal", args: login, put: setReply(exchangePath, words(400, "message"))},
		{name: "refusal that begins as Quay's", args: login, put: setReply(exchangePath, func(p string) reply {
			return reply{400, object{"message": "Invalid token: " + p}, nil}
		})},
		{name: "401 of the exchange", args: login, put: setReply(exchangePath, words(401, "error"))},
		{name: "page of the exchange", args: login, put: setReply(exchangePath, page(403))},
		{name: "page for a token", args: login, put: setReply(exchangePath, page(200))},
		{name: "redirect of the exchange", args: login, put: setReply(exchangePath, redirect)},
		{name: "token for another", args: login, put: setReply(exchangePath, func(p string) reply {
			return reply{200, object{"token": unsigned(object{"alg": p}, object{"sub": p, "exp": 4e9})}, nil}
		})},
		{name: "token", args: login, put: setReply(exchangePath, words(200, "token"))},
		{name: "redirect of the ping", args: login, put: setReply("/v2/", redirect)},
		{name: "page of the ping", args: login, put: setReply("/v2/", page(200))},
		{name: "realm", args: login, put: setReply("/v2/", challenged(`Bearer realm="PAYLOAD"`))},
		{name: "realm's host", args: login, put: setReply("/v2/", challenged(`Bearer realm="https://PAYLOAD/v2/auth"`))},
		{name: "realm's path", args: login, put: setReply("/v2/", challenged(`Bearer realm="https://`+faultsName+`/PAYLOAD"`))},
		{name: "service", args: login, put: setReply("/v2/", challenged(`Bearer realm="https://`+faultsName+`/v2/auth",service="PAYLOAD"`))},
		{name: "scheme", args: login, put: setReply("/v2/", challenged(`PAYLOAD realm="x"`))},
		{name: "refusal of the proof", args: login, put: setReply("/v2/auth", func(p string) reply {
			return reply{401, object{"errors": []any{object{"code": p, "message": p, "detail": p}}}, nil}
		})},
		{name: "page of the proof", args: login, put: setReply("/v2/auth", page(200))},
		{name: "redirect of the proof", args: login, put: setReply("/v2/auth", redirect)},
		{name: "Retry-After", args: login, put: setReply(exchangePath, func(p string) reply { return reply{429, p, map[string]string{"Retry-After": p, "Date": p}} })},
		{name: "refusal to token", args: "token " + worldArgs, put: setReply(exchangePath, words(400, "message"))},
		{name: "refusal to doctor", args: "doctor " + worldArgs, put: setReply(exchangePath, words(400, "message"))},
		{name: "refusal to doctor's JSON", args: "doctor " + worldArgs + " --output json", put: setReply(exchangePath, words(400, "message"))},
	}
}

// tokenPlaces are what an ID token says, and those who give it.
func tokenPlaces() []place {
	var all []place
	for _, name := range []string{"iss", "sub", "aud", "workflow_ref", "job_workflow_ref"} {
		all = append(all,
			place{name: "claim " + name, args: "login " + worldArgs, put: claim(name)},
			place{name: "claim " + name + " to whoami", args: "whoami " + worldArgs, put: claim(name)},
			place{name: "claim " + name + " to whoami's JSON", args: "whoami " + worldArgs + " --output json", put: claim(name)},
			place{name: "claim " + name + " to doctor", args: "doctor " + worldArgs, put: claim(name)},
			place{name: "claim " + name + " to federation", args: "federation add --from-token " + worldArgs, put: claim(name)},
			place{name: "claim " + name + " to setup", args: "setup --from-token --dry-run " + worldArgs, put: claim(name)},
		)
	}
	for _, name := range []string{"alg", "kid"} {
		header := func(w *world, payload string) { w.header[name] = payload }
		all = append(all, place{name: "header " + name, args: "whoami " + worldArgs, put: header}, place{name: "header " + name + " to doctor", args: "doctor " + worldArgs, put: header})
	}
	const login = "login " + worldArgs
	return append(all,
		place{name: "refusal of GitHub's endpoint", args: login, put: setReply("/runner", words(403, "message"))},
		place{name: "redirect of GitHub's endpoint", args: login, put: setReply("/runner", redirect)},
		place{name: "token of GitHub's endpoint", args: login, put: setReply("/runner", words(200, "value"))},
		place{name: "error of a provider", args: login, oidc: true, put: setReply("/token", words(400, "error"))},
		place{name: "description of a provider", args: login, oidc: true, put: setReply("/token", func(p string) reply {
			return reply{400, object{"error": "invalid_scope", "error_description": p, "error_uri": p}, nil}
		})},
		place{name: "redirect of a provider", args: login, oidc: true, put: setReply("/token", redirect)},
		place{name: "token of a provider", args: login, oidc: true, put: setReply("/token", words(200, "id_token"))},
		place{name: "issuer of a provider", args: login, oidc: true, put: setReply("/.well-known/openid-configuration", words(200, "issuer"))},
		place{name: "endpoint of a provider", args: login, oidc: true, put: setReply("/.well-known/openid-configuration", func(p string) reply {
			return reply{200, object{"issuer": worldIssuer, "token_endpoint": p, "token_endpoint_auth_methods_supported": []string{p}}, nil}
		})},
		place{name: "ways of a provider", args: login, oidc: true, put: setReply("/.well-known/openid-configuration", func(p string) reply {
			return reply{200, object{"issuer": worldIssuer, "token_endpoint": worldIssuer + "/token", "token_endpoint_auth_methods_supported": []string{p}}, nil}
		})},
		place{name: "redirect of discovery", args: login, oidc: true, put: setReply("/.well-known/openid-configuration", redirect)},
		place{name: "device code", args: login + " --oidc-flow device", oidc: true, put: setReply("/device", func(p string) reply {
			return reply{200, object{"device_code": p, "user_code": p, "verification_uri": "https://issuer.example/" + p, "expires_in": 600}, nil}
		})},
		place{name: "document of an issuer", args: "doctor " + worldArgs, put: setReply("/.well-known/openid-configuration", func(p string) reply {
			return reply{200, object{"issuer": p, "jwks_uri": p}, nil}
		})},
		place{name: "keys of an issuer", args: "doctor " + worldArgs, put: setReply("/keys", func(p string) reply {
			return reply{200, object{"keys": []any{object{"kty": p, "kid": "key-1", "alg": p}}}, nil}
		})},
	)
}

// apiPlaces are what Quay's API says, and those who wrote into it.
func apiPlaces() []place {
	stored := func(p string) reply {
		entry := object{"issuer": worldIssuer + "/" + p, "subject": p, "audiences": []string{p}, p: p}
		return reply{200, []any{entry, object{"issuer": p, "subject": 7, "audiences": p}}, nil}
	}
	const about = worldArgs + " --issuer https://issuer.example --subject a"
	all := []place{
		{name: "doctor's entries", args: "doctor " + worldArgs, put: setReply(worldAPI, stored)},
		{name: "entries as text", args: "federation list " + worldArgs, put: setReply(worldAPI, stored)},
		{name: "entries as JSON", args: "federation list --output json " + worldArgs, put: setReply(worldAPI, stored)},
		{name: "entries that stay", args: "federation add " + about, put: setReply(worldAPI, stored)},
		{name: "entries that would go", args: "federation remove --dry-run " + about, put: setReply(worldAPI, stored)},
		{name: "entries of a setup", args: "setup --grant app=write " + about, put: setReply(worldAPI, stored)},
	}
	for _, field := range []string{"error_message", "message", "detail"} {
		all = append(all, place{name: "API's " + field, args: "federation list " + worldArgs, put: setReply(worldAPI, words(403, field))},
			place{name: "API's " + field + " to setup", args: "setup --grant app=write " + about, put: setReply(worldAPI, words(400, field))})
	}
	return append(all, place{name: "API's page", args: "federation list " + worldArgs, put: setReply(worldAPI, page(200))},
		place{name: "API's redirect", args: "federation list " + worldArgs, put: setReply(worldAPI, redirect)})
}

// userPlaces are a command line and a job's variables, of which a workflow may make
// some from a branch's name.
func userPlaces() []place {
	variable := func(name string) func(*world, string) {
		return func(w *world, payload string) { w.variables[name] = payload }
	}
	path := func(name string) func(*world, string) {
		return func(w *world, payload string) { w.variables[name] = worldFolder + "/" + payload }
	}
	all := []place{
		{name: "audience of an ID token", args: "login " + worldArgs, put: func(w *world, p string) {
			w.variables["QUAY_AUDIENCE"] = p
			w.answers[exchangePath] = reply{400, object{"message": "Token does not match robot"}, nil}
		}},
		{name: "auth file before", args: "login " + worldArgs, put: func(w *world, p string) {
			text, _ := json.Marshal(object{"auths": object{p: object{"auth": p}}, "credHelpers": object{faultsName: p}}) //nolint:errchkjson // text
			w.before = string(text)
		}},
		{name: "broken auth file", args: "login " + worldArgs, put: func(w *world, p string) { w.before = p }},
		{name: "logout of it", args: "logout", put: func(w *world, p string) { w.before = p }},
	}
	for _, name := range []string{
		"QUAY_ROBOT", "QUAY_REGISTRY", "QUAY_CHECK", "QUAY_ID_TOKEN_ENV", "QUAY_ID_TOKEN_FILE", "QUAY_ID_TOKEN_SOURCE", "ID_TOKEN",
		"QUAY_CA_CERTIFICATE", "QUAY_TIMEOUT", "QUAY_VERIFY", "GITHUB_EVENT_PATH", "CI_JOB_STARTED_AT", "DOCKER_AUTH_CONFIG", "ACTIONS_ID_TOKEN_REQUEST_URL",
	} {
		args := "login"
		if name != "QUAY_REGISTRY" {
			args += " " + faultsName
		}
		if name != "QUAY_ROBOT" {
			args += " --robot acme+ci"
		}
		all = append(all, place{name: "variable " + name, args: args, put: variable(name)})
	}
	for _, name := range []string{"QUAY_ISSUER", "QUAY_SUBJECT", "QUAY_AUDIENCE", "QUAY_OUTPUT", "QUAY_GRANT"} {
		all = append(all, place{name: "setup's " + name, args: "setup --dry-run " + worldArgs, put: func(w *world, payload string) {
			maps.Copy(w.variables, map[string]string{"QUAY_ISSUER": worldIssuer, "QUAY_SUBJECT": "a"})
			w.variables[name] = payload
		}})
	}
	return append(all, place{name: "token's output file", args: "token " + worldArgs, put: path("QUAY_OUTPUT_FILE")},
		place{name: "auth file's path", args: "login " + worldArgs, put: path("QUAY_AUTHFILE")},
		place{name: "isolated folder", args: "login --isolated " + worldArgs, put: func(w *world, payload string) {
			w.variables["QUAY_AUTHFILE"], w.variables["QUAY_AUTH_DIR"] = "", worldFolder+"/"+payload
		}},
		place{name: "robot of a secret", args: "token --output kubernetes-secret " + faultsName, put: variable("QUAY_ROBOT")})
}
