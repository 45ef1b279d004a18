// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"quay-keyless/internal/sandbox"
)

// faultCase is one way in which an endpoint, or the way to it, can fail: one of the
// sandbox's, or that of a server which stands in for the endpoint.
type faultCase struct {
	name    string
	sandbox sandbox.Fault // its target is filled in
	server  string        // a name of faultyServers, or nobody
	// only limits it to one endpoint.
	only string
	// shared: the HTTP client of all endpoints deals with it in one way.
	shared bool
}

// meets reports whether the fault is tried at an endpoint. What is shared is tried at
// the exchange, and everywhere with -race.
func (c faultCase) meets(endpoint string) bool {
	if c.only != "" {
		return c.only == endpoint
	}
	return whole || !c.shared || endpoint == "exchange"
}

// shared marks faults that all endpoints share.
func shared(faults []faultCase) []faultCase {
	for i := range faults {
		faults[i].shared = true
	}
	return faults
}

const (
	nobody = "nobody" // where nobody listens
	loop   = "."      // the redirect to itself
)

func allFaults() []faultCase {
	return slices.Concat(shared(networkFaults()), bodyFaults(), redirectFaults(), statusFaults(), shared(retryAfterFaults()), clientFaults())
}

func networkFaults() []faultCase {
	return []faultCase{
		{name: "connection refused", server: nobody},
		{name: "reset before the answer", sandbox: sandbox.Fault{Kind: sandbox.Reset}},
		{name: "reset inside the answer", sandbox: sandbox.Fault{Kind: sandbox.ResetInside}},
		{name: "TLS of an unknown authority", server: "untrusted"},
		{name: "TLS expired", server: "expired"},
		{name: "TLS for another name", server: "misnamed"},
		{name: "no TLS", server: "plain"},
		{name: "silent", server: "silent"},
		{name: "slow first byte", sandbox: sandbox.Fault{Kind: sandbox.Slow}},
		{name: "dribbling body", server: "dribbling"},
		{name: "HTTP 2 GOAWAY", server: "goaway"},
		{name: "HTTP 1 and no answer", server: "mute"},
		{name: "HTTP 1 answer cut short", server: "short"},
		{name: "another protocol", server: "banner"},
		{name: "header without end", server: "header"},
	}
}

// bodyFaults are a 200 with something else in it.
func bodyFaults() []faultCase {
	body := func(name, contentType, text string) faultCase {
		return faultCase{name: name, sandbox: sandbox.Fault{Kind: sandbox.Status, Status: http.StatusOK, ContentType: contentType, Body: text}}
	}
	const typeJSON = "application/json"
	return []faultCase{
		{name: "truncated body", sandbox: sandbox.Fault{Kind: sandbox.Truncated}},
		{name: "endless body", sandbox: sandbox.Fault{Kind: sandbox.Endless}},
		{name: "gzip bomb", server: "bomb"},
		{name: "gigabyte of JSON", server: "gigabyte"},
		{name: "HTML 200", sandbox: sandbox.Fault{Kind: sandbox.HTML}},
		{name: "empty 200", sandbox: sandbox.Fault{Kind: sandbox.Empty}},
		body("wrong content type", "image/png", "\x89PNG\r\n"),
		body("invalid UTF-8", typeJSON, "{\"token\":\"\xff\xfe\",\"value\":\"\xff\xfe\"}"),
		body("JSON null", typeJSON, "null"),
		body("JSON list", typeJSON, "[]"),
		body("JSON of many levels", typeJSON, strings.Repeat(`{"token":`, 20_000)),
		body("token that is empty", typeJSON, `{"token":"","value":"","access_token":""}`),
		body("token that is a number", typeJSON, `{"token":7,"value":7}`),
		body("token with a line end", typeJSON, `{"token":"a\n::add-mask::b","value":"a\n::add-mask::b"}`),
	}
}

func redirectFaults() []faultCase {
	to := func(name string, status int, location string) faultCase {
		return faultCase{shared: status != http.StatusFound, name: strconv.Itoa(status) + " " + name, sandbox: sandbox.Fault{Kind: sandbox.Redirect, Status: status, Location: location}}
	}
	var all []faultCase
	for _, status := range []int{301, 302, 307, 308} {
		all = append(all,
			to("to the same host", status, "/elsewhere"),
			to("to another host", status, "https://elsewhere.example/?token=secret-of-another"),
			to("to http", status, "http://"+faultsHost+"/"),
			to("in a loop", status, loop))
	}
	return append(all, to("to words", 302, "::error::x%0A\x1b[31m"))
}

func statusFaults() []faultCase {
	var all []faultCase
	for _, status := range []int{400, 401, 403, 404, 405, 408, 413, 418, 429, 431, 500, 502, 503, 504} {
		all = append(all, faultCase{name: strconv.Itoa(status), shared: status > http.StatusNotFound, sandbox: sandbox.Fault{Kind: sandbox.Status, Status: status}})
	}
	return append(all, faultCase{name: "502 Quay is loading", shared: true, sandbox: sandbox.Fault{Kind: sandbox.Status, Status: http.StatusBadGateway, ContentType: "text/html",
		Body: "<!DOCTYPE html><html><head><title>Quay Loading</title></head><body>Quay is currently loading</body></html>"}})
}

func retryAfterFaults() []faultCase {
	after := func(name, value string) faultCase {
		return faultCase{name: "429 " + name, sandbox: sandbox.Fault{Kind: sandbox.Status, Status: http.StatusTooManyRequests,
			Header: map[string]string{"Retry-After": value}}}
	}
	return []faultCase{
		after("for 7 seconds", "7"),
		after("for an hour", "3600"),
		after("until a date", "Sat, 01 Jan 2000 00:01:00 GMT"), // the fake clock starts with that year
		after("until a date long ago", "Thu, 01 Jan 1970 00:00:00 GMT"),
		after("until the last date", "Fri, 31 Dec 9999 23:59:59 GMT"),
		after("for nonsense", "soon"),
		after("for less than nothing", "-5"),
		after("for ever", "99999999999999999999"),
	}
}

// refusalFault is one of Quay's own refusals, under its words.
func refusalFault(endpoint string, status int, body string) faultCase {
	var words struct {
		Message, Error string
		Errors         []struct{ Message string }
	}
	name := strconv.Itoa(status)
	if json.Unmarshal([]byte(body), &words) == nil {
		name += " " + words.Message + words.Error
		for _, e := range words.Errors {
			name += e.Message
		}
	}
	return faultCase{name: name, only: endpoint, sandbox: sandbox.Fault{Kind: sandbox.Status, Status: status, Body: body}}
}

// clientFaults are an OIDC provider's own refusals, and what it could say of
// itself (RFC 6749, section 5.2; OpenID Connect Discovery, section 4.3).
func clientFaults() []faultCase {
	var all []faultCase
	for code, status := range map[string]int{
		"invalid_client": 401, "unauthorized_client": 401, "invalid_grant": 400, "invalid_scope": 400, "unsupported_grant_type": 400, "access_denied": 403,
		"temporarily_unavailable": 503, "odd_code": 400,
	} {
		all = append(all, faultCase{name: strconv.Itoa(status) + " " + code, only: "provider",
			sandbox: sandbox.Fault{Kind: sandbox.Status, Status: status, Body: `{"error":"` + code + `","error_description":"The words\nof the provider"}`}})
	}
	for name, body := range map[string]string{
		"of another issuer":               `{"issuer":"https://elsewhere.example","token_endpoint":"https://elsewhere.example/token"}`,
		"with a token endpoint on http":   `{"issuer":"` + faultsIssuer + `","token_endpoint":"http://quay.example.com/token"}`,
		"without a token endpoint":        `{"issuer":"` + faultsIssuer + `"}`,
		"with a token endpoint of no URL": `{"issuer":"` + faultsIssuer + `","token_endpoint":"https://[::1/\n"}`,
	} {
		all = append(all, faultCase{name: "document " + name, only: "discovery",
			sandbox: sandbox.Fault{Kind: sandbox.Status, Status: 200, Body: body}})
	}
	slices.SortFunc(all, func(a, b faultCase) int { return strings.Compare(a.name, b.name) })
	return all
}
