// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

const (
	typeJSON     = "application/json"
	typeHTML     = "text/html"                // Quay's app server and its nginx
	typeHTMLUTF8 = "text/html; charset=utf-8" // Quay's web framework
)

// answer is one whole HTTP answer. It is an error too, so that the step that
// decides a request can end it by returning what Quay says then.
type answer struct {
	status      int
	contentType string
	body        string
	header      map[string]string
}

func (a answer) Error() string { return fmt.Sprintf("status %d: %s", a.status, a.body) }

func (a answer) write(w http.ResponseWriter) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// with returns the answer with one header more.
func (a answer) with(name, value string) answer {
	header := maps.Clone(a.header)
	if header == nil {
		header = map[string]string{}
	}
	header[name] = value
	a.header = header
	return a
}

// jsonAnswer encodes as Quay does: compact, no HTML escapes, one newline.
func jsonAnswer(status int, value any) answer {
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	must(encoder.Encode(value)) // maps, lists and strings always encode
	return answer{status: status, contentType: typeJSON, body: body.String()}
}

// badHeader is how the exchange answers an Authorization header it cannot use.
func badHeader(message string) answer {
	return jsonAnswer(http.StatusUnauthorized, map[string]string{"error": message})
}

// refused is how the exchange says no to a request that it understood.
func refused(message string) answer {
	return jsonAnswer(http.StatusBadRequest, map[string]string{"message": message})
}

func invalidToken(message string) answer { return refused("Invalid token: " + message) }

func page(status int, contentType, title, text string) answer {
	body := fmt.Sprintf("<!doctype html>\n<title>%s</title>\n<h1>%s</h1>\n<p>%s</p>\n", title, title, text)
	return answer{status: status, contentType: contentType, body: body}
}

func plainText(status int, text string) answer {
	return answer{status: status, contentType: "text/plain; charset=utf-8", body: text + "\n"}
}

var (
	internalError = page(http.StatusInternalServerError, typeHTML, "Internal Server Error", "")
	loading       = page(http.StatusBadGateway, typeHTML, "Quay Loading", "Quay is currently loading")
	keysTooSlow   = page(http.StatusGatewayTimeout, typeHTML, "504 Gateway Time-out", "nginx")
	headerTooBig  = page(http.StatusBadRequest, typeHTML, "400 Request Header Or Cookie Too Large", "Request Header Or Cookie Too Large")
	fieldsTooBig  = page(http.StatusRequestHeaderFieldsTooLarge, typeHTML, "Request Header Fields Too Large", "")
	notAllowed    = page(http.StatusMethodNotAllowed, typeHTMLUTF8, "405 Method Not Allowed",
		"The method is not allowed for the requested URL.").with("Allow", "HEAD, GET, OPTIONS")
	options = answer{status: http.StatusOK, contentType: typeHTMLUTF8}.with("Allow", "HEAD, GET, OPTIONS")
	movedOn = page(http.StatusPermanentRedirect, typeHTMLUTF8, "Redirecting...", "").with("Location", exchangePath+"/")
	webUI   = page(http.StatusNotFound, typeHTMLUTF8, "Quay", "The web interface lives here.").with("Set-Cookie", "_csrf_token=sandbox; Path=/; Secure")
)

func (a answer) serve(w http.ResponseWriter, _ *http.Request) { a.write(w) }

// getOnly answers the methods that Quay's GET endpoints answer themselves.
func getOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			next(w, r)
		case http.MethodOptions:
			options.write(w)
		default:
			notAllowed.write(w)
		}
	}
}

// refuse ends a request with an answer, behind nginx or without it. An error
// that is no answer means that Quay did not reach the issuer: its app server
// then closes the connection unanswered, and nginx makes the 502 of it.
func (s *Sandbox) refuse(w http.ResponseWriter, err error) {
	a, ok := err.(answer) //nolint:errorlint // answers are never wrapped
	switch {
	case ok:
		a.write(w)
	case s.cfg.AppServer:
		panic(http.ErrAbortHandler)
	default:
		loading.write(w)
	}
}
