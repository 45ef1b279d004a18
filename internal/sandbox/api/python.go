// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// object is a JSON object whose members have an order, as a Python dict's.
type object []member

type member struct {
	name  string
	value any
}

// pythonJSON is JSON as Python's json module writes it, in which Quay's API
// answers: a space after each comma and colon, ASCII only.
func pythonJSON(value any) string {
	switch v := value.(type) {
	case object:
		return "{" + joined(v, func(m member) string { return pythonJSON(m.name) + ": " + pythonJSON(m.value) }) + "}"
	case map[string]any:
		return pythonJSON(ordered(v))
	case []object:
		return "[" + joined(v, func(o object) string { return pythonJSON(o) }) + "]"
	case []string:
		return "[" + joined(v, func(s string) string { return pythonJSON(s) }) + "]"
	case []any:
		return "[" + joined(v, pythonJSON) + "]"
	case string:
		return asciiJSON(v)
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // numbers, booleans and null always encode
	}
	return string(text)
}

func ordered(m map[string]any) object {
	var o object
	for _, name := range slices.Sorted(maps.Keys(m)) {
		o = append(o, member{name, m[name]})
	}
	return o
}

func joined[T any](list []T, text func(T) string) string {
	var parts []string
	for _, item := range list {
		parts = append(parts, text(item))
	}
	return strings.Join(parts, ", ")
}

func asciiJSON(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r >= ' ' && r < 0x7f:
			out.WriteRune(r)
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&out, `\u%04x`, unit)
			}
		}
	}
	out.WriteByte('"')
	return out.String()
}

// pythonRepr is a JSON value as Python's repr shows it.
func pythonRepr(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`).Replace(v) + "'"
	case []any:
		return "[" + joined(v, pythonRepr) + "]"
	case map[string]any:
		return "{" + joined(ordered(v), func(m member) string { return pythonRepr(m.name) + ": " + pythonRepr(m.value) }) + "}"
	}
	return fmt.Sprint(value)
}
