// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"slices"
)

// find is the position of key in the document's object, -1 if it is missing.
func (d document) find(key string) int {
	return slices.IndexFunc(d.inner.members, func(m member) bool { return m.key == key })
}

// get is the raw value under key, nil if there is none.
func (d document) get(key string) []byte {
	i := d.find(key)
	if i < 0 {
		return nil
	}
	m := d.inner.members[i]
	return bytes.Clone(d.data[m.valueStart:m.valueEnd])
}

// set gives key this JSON value. The rest of the text stays, byte for byte; the new text
// looks like the members around it.
func (d document) set(key string, value []byte) []byte {
	if i := d.find(key); i >= 0 {
		return d.replace(d.inner.members[i], d.layout(d.inner, i, 2).value(value))
	} else if len(d.inner.members) > 0 {
		return d.add(d.inner, 2, key, value)
	}
	whole := slices.Concat([]byte("{"), Quote(key), []byte(":"), value, []byte("}"))
	if d.at >= 0 {
		return d.replace(d.top.members[d.at], d.layout(d.top, d.at, 1).value(whole))
	}
	return d.add(d.top, 1, d.name, whole)
}

// put gives key, which must be there, a raw value.
func (d document) put(key string, raw []byte) []byte {
	return d.replace(d.inner.members[d.find(key)], raw)
}

// replace gives a member another value.
func (d document) replace(m member, value []byte) []byte {
	return slices.Concat(d.data[:m.valueStart], value, d.data[m.valueEnd:])
}

// add puts a member behind the last one.
func (d document) add(o object, depth int, key string, value []byte) []byte {
	last := len(o.members) - 1
	if last < 0 {
		return slices.Insert(bytes.Clone(d.data), o.open, slices.Concat(Quote(key), []byte(":"), value)...)
	}
	at := d.layout(o, last, depth)
	text := slices.Concat([]byte(","), at.gap, Quote(key), at.colon, at.value(value))
	return slices.Insert(bytes.Clone(d.data), o.members[last].valueEnd, text...)
}

// remove removes key, which must be there, with one comma and the white space that add brought.
func (d document) remove(key string) []byte {
	i, members := d.find(key), d.inner.members
	from, to := d.inner.open, members[i].valueEnd
	if i > 0 {
		from = members[i-1].valueEnd
	} else if len(members) > 1 {
		from, to = members[0].keyStart, members[1].keyStart
	}
	return slices.Delete(bytes.Clone(d.data), from, to)
}

// layout is how a member is written.
type layout struct {
	gap   []byte // between the comma or brace before it and the key
	colon []byte // between key and value
	unit  []byte // one step of indentation
}

// layout looks at member i of an object, whose members have this depth.
func (d document) layout(o object, i, depth int) layout {
	start := o.open
	if i > 0 {
		start = o.members[i-1].valueEnd
		start += bytes.IndexByte(d.data[start:], ',') + 1
	}
	m := o.members[i]
	l := layout{gap: d.data[start:m.keyStart], colon: d.data[m.keyEnd:m.valueStart]}
	indent := l.indent()
	l.unit = indent[:len(indent)/depth]
	return l
}

// indent is the white space before the key in its line.
func (l layout) indent() []byte { return l.gap[bytes.LastIndexByte(l.gap, '\n')+1:] }

// value is compact JSON, over several lines if the members around it have their own lines.
func (l layout) value(compact []byte) []byte {
	if !bytes.Contains(l.gap, []byte("\n")) {
		return compact
	}
	var text bytes.Buffer
	if err := json.Indent(&text, compact, string(l.indent()), string(l.unit)); err != nil {
		return compact // the record does not hold JSON
	}
	if bytes.Contains(l.gap, []byte("\r\n")) {
		return bytes.ReplaceAll(text.Bytes(), []byte("\n"), []byte("\r\n"))
	}
	return text.Bytes()
}
