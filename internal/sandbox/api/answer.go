// SPDX-License-Identifier: Apache-2.0

package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"quay-keyless/internal/sandbox/web"
)

// problem is how the API words an error.
func (s *API) problem(status int, kind, text string, first ...member) web.Answer {
	body := append(object(first), object{
		{"detail", text}, {"error_message", text}, {"error_type", kind}, {"title", kind},
		{"type", s.site.URL + path + "error/" + kind}, {"status", status},
	}...)
	return pythonAnswer(status, body)
}

func (s *API) invalidRequest(text string) web.Answer {
	return s.problem(http.StatusBadRequest, "invalid_request", text)
}

func (s *API) forbidden() web.Answer {
	return s.problem(http.StatusForbidden, "insufficient_scope", "Unauthorized")
}

func (s *API) unknown() web.Answer {
	return s.problem(http.StatusNotFound, "not_found", "Not Found")
}

func (s *API) unauthenticated(first ...member) web.Answer {
	return s.problem(http.StatusUnauthorized, "invalid_token", "Requires authentication", first...)
}

// message is the form of the errors that do not come from the API itself.
func message(status int, text string) web.Answer {
	return web.JSON(status, map[string]string{"message": text})
}

func refused(text string) web.Answer { return message(http.StatusBadRequest, text) }

func pythonAnswer(status int, value any) web.Answer {
	return web.Answer{Status: status, Type: web.TypeJSON, Body: pythonJSON(value) + "\n"}
}

func ok(value any) web.Answer { return pythonAnswer(http.StatusOK, value) }

var (
	noContent     = web.Answer{Status: http.StatusNoContent, Type: web.TypeJSON}
	csrf          = web.Answer{Status: http.StatusForbidden, Type: web.TypeHTMLUTF8, Body: `{"error": "CSRF token was invalid or missing."}`}
	misunderstood = refused("The browser (or proxy) sent a request that this server could not understand.")
	otherType     = message(http.StatusUnsupportedMediaType, "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.")
	badMethod     = message(http.StatusMethodNotAllowed, "The method is not allowed for the requested URL.")
	noUser        = message(http.StatusNotFound, "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.")
	noPermission  = message(http.StatusForbidden, "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server.")
	suspended     = web.JSON(http.StatusServiceUnavailable, map[string]any{
		"is_readonly": true,
		"message":     "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
	})
	noRobot = refused("Could not find robot with specified username")
)

// date is a time as the API shows it; the zero time is null.
func date(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0000")
}

func avatar(name, kind string) object {
	hash := sha256.Sum256([]byte(name))
	return object{{"name", name}, {"hash", hex.EncodeToString(hash[:])}, {"color", "#7f7f7f"}, {"kind", kind}}
}
