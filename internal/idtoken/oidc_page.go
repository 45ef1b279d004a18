// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// page is what the browser shows.
type page struct {
	status       int
	title, words string
}

// response is the page over HTTP/1.1. It loads nothing, is not cached, and sends no
// referrer, because its address holds the code.
func (p page) response() *http.Response {
	title, words := html.EscapeString(p.title), html.EscapeString(p.words)
	text := fmt.Sprintf("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>%s</title>\n<h1>%s</h1>\n<p>%s</p>\n</html>\n", title, title, words)
	return &http.Response{
		StatusCode: p.status, ProtoMajor: 1, ProtoMinor: 1, Close: true,
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
		Header: http.Header{
			"Content-Type":            {"text/html; charset=utf-8"},
			"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
			"Referrer-Policy":         {"no-referrer"},
			"Cache-Control":           {"no-store"},
		},
	}
}

const (
	maxRequest = 64 << 10
	// pageTime limits sending the page. Reading the request has no limit, because
	// browsers open connections in advance.
	pageTime = 2 * time.Second
)

// serveBack answers each connection's one request, until end, which waits until the open
// requests have their page. An [http.Server] would add 0.7 MB to the program.
func serveBack(listener net.Listener, answer func(*http.Request) page) (end func()) {
	ctx, over := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(ctx, connection, answer) })
		}
	})
	return func() {
		over()
		_ = listener.Close()
		serving.Wait()
	}
}

func serve(ctx context.Context, connection net.Conn, answer func(*http.Request) page) {
	defer connection.Close() //nolint:errcheck // nothing more is said on it
	abandon := context.AfterFunc(ctx, func() { _ = connection.SetReadDeadline(time.Now()) })
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(connection, maxRequest)))
	abandon()
	if err != nil {
		return
	}
	shown := answer(request)
	_ = connection.SetWriteDeadline(time.Now().Add(pageTime))
	_ = shown.response().Write(connection)
}
