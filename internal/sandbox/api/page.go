// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// The opaque form of a page's position: about as long as Quay's, with characters
// that a URL must encode.
const (
	pagePrefix = "gAAAAA"
	pageBytes  = 127
)

// paged is one page of a list, under that name. A bad position means the first page,
// as at Quay.
func paged(name string, list []object, size int, c call) object {
	from := position(c.URL.Query().Get("next_page"))
	if from >= len(list) {
		from = 0
	}
	list = list[from:]
	if len(list) <= size {
		return object{{name, list}}
	}
	return object{{name, list[:size]}, {"next_page", pageAt(from + size)}}
}

func pageAt(from int) string {
	text := fmt.Sprintf("%-*d", pageBytes, from)
	return pagePrefix + base64.URLEncoding.EncodeToString([]byte(text))
}

func position(page string) int {
	text, isOurs := strings.CutPrefix(page, pagePrefix)
	decoded, err := base64.URLEncoding.DecodeString(text)
	from, wrong := strconv.Atoi(strings.TrimSpace(string(decoded)))
	if !isOurs || err != nil || wrong != nil {
		return 0
	}
	return max(from, 0)
}
