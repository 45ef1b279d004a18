// SPDX-License-Identifier: Apache-2.0

// Package web is how all parts of a sandbox speak HTTP: whole answers, routes,
// and the addresses that the parts have in common.
package web

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// The content types that Quay answers with.
const (
	TypeJSON     = "application/json"
	TypeHTML     = "text/html"                // Quay's app server and its nginx
	TypeHTMLUTF8 = "text/html; charset=utf-8" // Quay's web framework
)

// Answer is one whole HTTP answer. It is an error too, so that the step that
// decides a request can end it by returning Quay's answer.
type Answer struct {
	Status int
	Type   string
	Body   string
	Header map[string]string
}

func (a Answer) Error() string { return fmt.Sprintf("status %d: %s", a.Status, a.Body) }

// Write sends the answer.
func (a Answer) Write(w http.ResponseWriter) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", a.Type)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// Serve is Write as a handler.
func (a Answer) Serve(w http.ResponseWriter, _ *http.Request) { a.Write(w) }

// With returns the answer with one more header.
func (a Answer) With(name, value string) Answer {
	header := maps.Clone(a.Header)
	if header == nil {
		header = map[string]string{}
	}
	header[name] = value
	a.Header = header
	return a
}

// JSON encodes as Quay does: compact, no HTML escapes, one newline.
func JSON(status int, value any) Answer {
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // maps, lists and strings always encode
	}
	return Answer{Status: status, Type: TypeJSON, Body: body.String()}
}

// Page is a small HTML page.
func Page(status int, contentType, title, text string) Answer {
	body := fmt.Sprintf("<!doctype html>\n<title>%s</title>\n<h1>%s</h1>\n<p>%s</p>\n", title, title, text)
	return Answer{Status: status, Type: contentType, Body: body}
}

// Text is one line of plain text.
func Text(status int, text string) Answer {
	return Answer{Status: status, Type: "text/plain; charset=utf-8", Body: text + "\n"}
}

// The answers of Quay's web framework that several packages use.
var (
	InternalError = Page(http.StatusInternalServerError, TypeHTML, "Internal Server Error", "")
	NotAllowed    = Page(http.StatusMethodNotAllowed, TypeHTMLUTF8, "405 Method Not Allowed",
		"The method is not allowed for the requested URL.").With("Allow", "HEAD, GET, OPTIONS")
)
