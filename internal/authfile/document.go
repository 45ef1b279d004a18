// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// member is one "key": value of a JSON object, by its offsets in the text.
type member struct {
	key                  string // decoded
	keyStart, keyEnd     int    // with the quotes
	valueStart, valueEnd int
}

// object is one JSON object of the text.
type object struct {
	open    int // behind the brace
	members []member
}

// document is an auth file's text, and where its top-level object name is in it.
type document struct {
	data  []byte
	name  string
	top   object
	at    int // the position of name in top, -1 if it is missing
	inner object
}

// parse finds the top-level object of that name in an auth file's text; a nil text is a
// missing file. A key that occurs twice is an error, because tools disagree on which one
// counts. The error is an [*Error] without its path.
func parse(data []byte, name string) (document, error) {
	d := document{data: data, name: name, at: -1}
	if data == nil {
		return d, nil
	}
	if err := validate(data); err != nil {
		return document{}, err
	}
	d.top = scan(data, 0)
	for i, m := range d.top.members {
		// Go's tools (podman, skopeo, docker, crane) ignore case in these names.
		if !strings.EqualFold(m.key, name) {
			continue
		}
		if d.at >= 0 {
			return document{}, because(Duplicate, fmt.Errorf("%q", name))
		}
		d.at = i
	}
	if d.at < 0 {
		return d, nil
	}
	start := d.top.members[d.at].valueStart
	if data[start] == 'n' { // null, which every tool reads as no object
		return d, nil
	}
	if data[start] != '{' {
		return document{}, because(notObject(name), nil)
	}
	d.inner = scan(data, start)
	seen := map[string]bool{}
	for _, m := range d.inner.members {
		if seen[m.key] {
			return document{}, because(Duplicate, fmt.Errorf("%q in %q", m.key, name))
		}
		seen[m.key] = true
	}
	return d, nil
}

// notObject is the reason of a top-level value of that name.
func notObject(name string) Reason {
	if name == credHelpers {
		return HelpersNotObject
	}
	return AuthsNotObject
}

// scan reads the object that begins at start or behind white space there, in valid JSON.
func scan(data []byte, start int) object {
	decoder := json.NewDecoder(bytes.NewReader(data[start:]))
	offset := func() int { return start + int(decoder.InputOffset()) }
	_, _ = decoder.Token()
	o := object{open: offset()}
	for decoder.More() {
		var m member
		end := offset()
		key, _ := decoder.Token()
		m.key, _ = key.(string)
		m.keyEnd = offset()
		// Before a key there is only a comma and white space, before a value only a
		// colon and white space.
		m.keyStart = end + bytes.IndexByte(data[end:], '"')
		m.valueStart = len(data) - len(bytes.TrimLeft(data[m.keyEnd:], ": \t\r\n"))
		var value json.RawMessage
		_ = decoder.Decode(&value)
		m.valueEnd = offset()
		o.members = append(o.members, m)
	}
	return o
}

// validate says why data is not one JSON object.
func validate(data []byte) error {
	text := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(data) == 0:
		return because(Empty, nil)
	case len(text) == 0:
		return because(NotJSON, errors.New("there is only white space"))
	case !json.Valid(text):
		return invalid(data)
	case text[0] != '{':
		return because(NotObject, nil)
	}
	return nil
}

// invalid distinguishes text after the JSON from text that is not JSON.
func invalid(data []byte) error {
	if what := foreign(data); what != "" {
		return because(NotJSON, errors.New(what))
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	var value json.RawMessage
	if err := decoder.Decode(&value); err != nil {
		return because(NotJSON, err)
	}
	return because(TrailingData, nil)
}

// foreign says what a file is that people take for JSON, "" if it may just be broken.
func foreign(data []byte) string {
	text := bytes.TrimSpace(data)
	decoded, notBase64 := base64.StdEncoding.DecodeString(string(text))
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return "it begins with a byte order mark, as some editors write it: save it as UTF-8 without one"
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")), bytes.HasPrefix(data, []byte("{\x00")), bytes.HasPrefix(data, []byte("\x00{")):
		return "it is UTF-16, as PowerShell's > writes it: save it as UTF-8"
	case !utf8.Valid(data) || bytes.ContainsRune(data, 0):
		return "it is not text"
	case bytes.HasPrefix(text, []byte("<")):
		return "it is HTML or XML"
	case notBase64 == nil && bytes.HasPrefix(bytes.TrimSpace(decoded), []byte("{")):
		return "it is base64 of JSON, as in a Kubernetes Secret: decode it"
	case regexp.MustCompile(`^(---|[A-Za-z_.-]+:(\s|$))`).Match(text):
		return "it is YAML"
	}
	return ""
}
