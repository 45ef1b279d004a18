// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"net/http"
	"slices"
	"strconv"

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
}

const (
	nobody = "nobody" // where nobody listens
	loop   = "."      // the redirect to itself
)

func allFaults(refusals []string) []faultCase {
	return slices.Concat(networkFaults(), bodyFaults(), redirectFaults(), statusFaults(), retryAfterFaults(), refusalFaults(refusals))
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
		{name: "HTML 200", sandbox: sandbox.Fault{Kind: sandbox.HTML}},
		{name: "empty 200", sandbox: sandbox.Fault{Kind: sandbox.Empty}},
		body("wrong content type", "image/png", "\x89PNG\r\n"),
		body("invalid UTF-8", typeJSON, "{\"token\":\"\xff\xfe\",\"value\":\"\xff\xfe\"}"),
		body("JSON null", typeJSON, "null"),
		body("JSON list", typeJSON, "[]"),
		body("token that is a number", typeJSON, `{"token":7,"value":7}`),
		body("token with a line end", typeJSON, `{"token":"a\n::add-mask::b","value":"a\n::add-mask::b"}`),
	}
}

func redirectFaults() []faultCase {
	to := func(name string, status int, location string) faultCase {
		return faultCase{name: strconv.Itoa(status) + " " + name, sandbox: sandbox.Fault{Kind: sandbox.Redirect, Status: status, Location: location}}
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
		all = append(all, faultCase{name: strconv.Itoa(status), sandbox: sandbox.Fault{Kind: sandbox.Status, Status: status}})
	}
	return append(all, faultCase{name: "502 Quay is loading", sandbox: sandbox.Fault{Kind: sandbox.Status, Status: http.StatusBadGateway, ContentType: "text/html",
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
		after("for nonsense", "soon"),
		after("for less than nothing", "-5"),
		after("for ever", "99999999999999999999"),
	}
}

// refusalFaults are each of Quay's own refusals of an ID token.
func refusalFaults(messages []string) []faultCase {
	var all []faultCase
	for _, message := range messages {
		all = append(all, faultCase{name: "400 " + message, only: sandbox.Exchange,
			sandbox: sandbox.Fault{Kind: sandbox.Status, Status: http.StatusBadRequest, Body: `{"message":` + strconv.Quote(message) + `}`}})
	}
	return all
}
