// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"net/http"

	"quay-keyless/internal/sandbox/web"
)

// badHeader is how the exchange answers an Authorization header it cannot use.
func badHeader(message string) web.Answer {
	return web.JSON(http.StatusUnauthorized, map[string]string{"error": message})
}

// refused is how the exchange says no to a request that it understood.
func refused(message string) web.Answer {
	return web.JSON(http.StatusBadRequest, map[string]string{"message": message})
}

func invalidToken(message string) web.Answer { return refused("Invalid token: " + message) }

var (
	loading      = web.Page(http.StatusBadGateway, web.TypeHTML, "Quay Loading", "Quay is currently loading")
	keysTooSlow  = web.Page(http.StatusGatewayTimeout, web.TypeHTML, "504 Gateway Time-out", "nginx")
	headerTooBig = web.Page(http.StatusBadRequest, web.TypeHTML, "400 Request Header Or Cookie Too Large", "Request Header Or Cookie Too Large")
	fieldsTooBig = web.Page(http.StatusRequestHeaderFieldsTooLarge, web.TypeHTML, "Request Header Fields Too Large", "")
	options      = web.Answer{Status: http.StatusOK, Type: web.TypeHTMLUTF8}.With("Allow", "HEAD, GET, OPTIONS")
	movedOn      = web.Page(http.StatusPermanentRedirect, web.TypeHTMLUTF8, "Redirecting...", "").With("Location", exchangePath+"/")
	webUI        = web.Page(http.StatusNotFound, web.TypeHTMLUTF8, "Quay", "The web interface lives here.").With("Set-Cookie", "_csrf_token=sandbox; Path=/; Secure")
)
