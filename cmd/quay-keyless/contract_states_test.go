// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/base64"
	"net/http"
	"strings"

	"quay-keyless/internal/quay"
	"quay-keyless/internal/sandbox"
)

const exchangePath = "/oauth2/federation/robot/token"

var (
	headerTooLong = answer{http.StatusBadRequest, "page: 400 Request Header Or Cookie Too Large"}
	// tiring is more than a front lets through beside the credential.
	tiring = strings.Repeat("x", 9000)
)

// headerCases are credentials that something on the way has changed: this
// client builds none that Quay does not understand.
func headerCases() []contractCase {
	changed := func(name, recorded string, reason quay.Reason, message string, change func(http.Header)) contractCase {
		return contractCase{
			name: name, recorded: recorded, exit: 4, exchanges: 1, reason: reason,
			exchange: answer{http.StatusUnauthorized, `{"error":"` + message + `"}`},
			between:  between{request: func(r *http.Request) { change(r.Header) }},
		}
	}
	to := func(value string) func(http.Header) {
		return func(h http.Header) { h.Set("Authorization", value) }
	}
	return []contractCase{
		changed("credential-dropped", "no auth", quay.BadHeader, "No auth header", func(h http.Header) { h.Del("Authorization") }),
		changed("credential-made-bearer", "bearer", quay.BadHeader, "Invalid basic auth header", to("Bearer abc")),
		changed("credential-cut", "bad b64", quay.BadHeader, "Could not parse basic auth header", to("Basic abc")),
		changed("credential-without-colon", "no colon", quay.BadHeader,
			"Unexpected number of credentials found in basic auth header", to("Basic bm9jb2xvbg==")),
		changed("credential-of-a-person", "no plus", quay.InvalidRobot, "Invalid robot",
			to("Basic "+base64.StdEncoding.EncodeToString([]byte("somebody:a-password")))),
	}
}

// frontCases are what stands in front of Quay, or in its place.
func frontCases() []contractCase {
	cookie := func(r *http.Request) { r.Header.Set("Cookie", tiring) }
	overHTTP2 := unreached("header-made-too-long-http2", "", "good")
	overHTTP2.needs, overHTTP2.configure = "a front that ends HTTP/2 as the sandbox does", nil
	overHTTP2.exchange, overHTTP2.between = headerTooLong, between{request: cookie, http2: true}
	tooLong := contractCase{name: "header-made-too-long", exchange: headerTooLong, between: between{request: cookie},
		exit: 4, exchanges: 1, reason: quay.HeaderTooLarge}
	bare := tooLong
	bare.name, bare.exchange = "header-made-too-long-without-front", answer{431, "page: Request Header Fields Too Large"}
	slash := contractCase{name: "path-with-slash", exchange: answer{404, "page: Quay"}, exit: 4, reason: quay.NoEndpoint,
		needs:   "a web interface", // whose title is the installation's own
		between: between{request: func(r *http.Request) { r.URL.Path += "/" }}}
	old := contractCase{name: "quay-3.12", release: "3.12", exchange: answer{308, "page: Redirecting..."}, exit: 4, exchanges: 1, reason: quay.NoEndpoint}
	older := old
	older.name, older.exchange.body = "quay-3.12-json", `{"message":"bad path, there may be a trailing slash","new_url":"`+exchangePath+`/"}`
	older.faults = []sandbox.Fault{{Target: sandbox.Exchange, Kind: sandbox.Redirect, Status: 308,
		ContentType: "application/json", Body: older.exchange.body, Location: exchangePath + "/"}}
	return []contractCase{
		tooLong, with("no front before Quay", appServer, bare), overHTTP2, slash, old, older,
		faulty("plain-http-to-https", contractCase{http: true, exchange: answer{301, "page: Moved Permanently"}, exit: 1, reason: quay.WantsHTTPS},
			sandbox.Exchange, sandbox.Ping),
		faulty("keys-slow", contractCase{exchange: answer{504, "page: Gateway Timeout"}, exit: 5, exchanges: 5}, sandbox.Exchange),
		faulty("quay-starting", contractCase{exchange: answer{502, "page: Bad Gateway"}, exit: 5}, sandbox.Exchange, sandbox.Ping),
		faulty("quay-starting-meanwhile", contractCase{exchange: answer{502, "page: Bad Gateway"}, exit: 5, exchanges: 5}, sandbox.Exchange),
		with("database down", func(config *sandbox.Config) { config.DatabaseDown = true },
			contractCase{name: "database-down", exchange: internalError, exit: 5, exchanges: 3}),
		faulty("too-many-requests", contractCase{exchange: answer{429, "page: Too Many Requests"}, exit: 5, exchanges: 5}, sandbox.Exchange),
		coming("not-yet-valid", quay.NotYetValid, "Invalid token: The token is not yet valid (nbf)"),
		coming("audience-not-allowed", quay.WrongAudience, "Token audience is not allowed for this robot"),
		coming("binding-ambiguous", quay.Ambiguous, "Ambiguous federation binding for this robot"),
	}
}

// faulty is a Quay, or a front of it, in a state that cannot be brought about
// from outside: these endpoints of the sandbox answer as the case says.
func faulty(name string, c contractCase, targets ...string) contractCase {
	c.name, c.needs = name, "that state"
	for _, target := range targets {
		c.faults = append(c.faults, sandbox.Fault{Target: target, Kind: sandbox.Status, Status: c.exchange.status,
			ContentType: "text/html", Body: "<title>" + strings.TrimPrefix(c.exchange.body, "page: ") + "</title>",
			Header: map[string]string{}})
	}
	if c.exchange.status == http.StatusMovedPermanently {
		for i := range c.faults {
			c.faults[i].Header["Location"] = "https://quay.example" + exchangePath
		}
	}
	return c
}

// coming is a refusal of a release that is not out.
func coming(name string, reason quay.Reason, message string) contractCase {
	c := refused(name, "", from("good"), reason, message)
	c.needs = "the design of a later Quay"
	c.faults = []sandbox.Fault{{Target: sandbox.Exchange, Kind: sandbox.Status, Status: 400, Body: c.exchange.body + "\n"}}
	return c
}

// denied is the registry's no to a robot token that the exchange gave.
func denied(message string) answer {
	return answer{http.StatusUnauthorized, `{"errors":[{"code":"UNAUTHORIZED","detail":{},"message":"` + message + `"}]}`}
}

// stateCases are what the exchange does not look at.
func stateCases() []contractCase {
	disallow := func(config *sandbox.Config) { config.RobotsDisallow = true }
	refusedLater := func(name string, reason quay.Reason, auth answer) contractCase {
		return contractCase{name: name, exchange: accepted, auth: auth, exit: 4, exchanges: 1, reason: reason}
	}
	passing := func(name string) contractCase {
		c := taken(name, "v2 ok", from("good"))
		c.auth = accepted
		return c
	}
	return []contractCase{
		passing("registry-takes-it"),
		with("ROBOTS_DISALLOW", disallow, refusedLater("robots-disallowed", quay.RobotsDisabled,
			denied("Robot account have been disabled. Please contact your administrator."))),
		with("ROBOTS_DISALLOW and ROBOTS_WHITELIST", func(config *sandbox.Config) {
			config.RobotsDisallow, config.RobotsWhitelist = true, []string{config.Robots[0].Name}
		}, passing("robots-disallowed-but-this")),
		with("a disabled organization", func(config *sandbox.Config) {
			config.DisabledOrganizations = []string{"acme"}
		}, refusedLater("owner-disabled", quay.OwnerDisabled, denied("Robot <robot> owner <organization> is disabled"))),
		with("REGISTRY_STATE readonly", func(config *sandbox.Config) { config.ReadOnly = true }, passing("registry-readonly")),
		with("a disabled robot", func(config *sandbox.Config) { config.Robots[0].Disabled = true },
			trouble("robot-disabled", "", from("good"))),
	}
}

// registryCases are the robot token in use.
func registryCases() []contractCase {
	checked := func(name, permission string, exit int) contractCase {
		c := taken(name, "", from("good"))
		c.check, c.auth, c.exit, c.reason = permission, accepted, exit, quay.NotGranted
		return c
	}
	dropped := contractCase{name: "registry-sees-no-credential", exchange: accepted, exit: 4, exchanges: 1, reason: quay.Unrecognized,
		auth:    denied("access to the requested resource is not authorized"),
		between: between{path: "/v2/auth", request: func(r *http.Request) { r.Header.Del("Authorization") }}}
	ill := contractCase{name: "registry-500", recorded: "v2 expired", exchange: accepted, auth: internalError, exit: 5, exchanges: 1,
		registryToken: &sandbox.Token{Issuer: "quay", Subject: "<robot>", Claims: map[string]any{"exp": 60 * ago, "iat": 3660 * ago}},
		needs:         "that state", faults: []sandbox.Fault{{Target: sandbox.Auth, Kind: sandbox.Status, Status: 500, ContentType: "text/html",
			Body: "<title>Internal Server Error</title>"}}}
	gone := contractCase{name: "robot-deleted-meanwhile", exchange: accepted, exit: 4, exchanges: 1, reason: quay.NoSuchRobot,
		auth: denied(noRobot), needs: "that state"}
	gone.faults = []sandbox.Fault{{Target: sandbox.Auth, Kind: sandbox.Status, Status: 401, Body: gone.auth.body + "\n"}}
	busy := contractCase{name: "registry-rate-limit", exchange: accepted, auth: answer{429, "page: Too Many Requests"}, exit: 5, exchanges: 1,
		needs: "FEATURE_RATE_LIMITS", faults: []sandbox.Fault{{Target: sandbox.Auth, Kind: sandbox.Status, Status: 429}}}
	return []contractCase{
		checked("may-push", "<writable repository>:push", 0),
		checked("may-pull", "<readable repository>:pull", 0),
		checked("may-not-push", "<readable repository>:push", 4),
		checked("no-permission", "<organization>/no-such-repository", 4),
		dropped, ill, gone, busy,
	}
}
