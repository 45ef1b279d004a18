// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"slices"
)

// origin is what a top-level object was before we put the first key into it.
// The state keeps it, so that taking the last key out leaves no trace.
type origin string

const (
	wasThere  origin = ""
	wasAbsent origin = "absent"
	wasNull   origin = "null"
	wasNoFile origin = "no file"
)

// create is a new auth file with one entry, indented as docker does.
func create(name, key string, value []byte) []byte {
	whole := slices.Concat([]byte("{"), quote(name), []byte(":{"), quote(key), []byte(":"), value, []byte("}}"))
	return append(layout{gap: []byte("\n"), unit: []byte("\t")}.value(whole), '\n')
}

// get is the raw value that counts under key, nil where there is none.
func (d document) get(key string) []byte {
	o, i := d.find(key)
	if i < 0 {
		return nil
	}
	return bytes.Clone(d.data[o.members[i].valueStart:o.members[i].valueEnd])
}

// set gives key the compact JSON value, laid out as the entries around it. No
// byte outside the member changes. It also says what the object was before.
func (d document) set(key string, value []byte) ([]byte, origin) {
	if o, i := d.find(key); i >= 0 {
		return d.replace(o.members[i], o.layout(d.data, i).value(value)), wasThere
	}
	if n := len(d.objects); n > 0 {
		return d.insert(d.objects[n-1], key, value), wasThere
	}
	whole := slices.Concat([]byte("{"), quote(key), []byte(":"), value, []byte("}"))
	// A null that follows objects must stay: with it they would come back.
	if len(d.named) == 1 {
		i := d.top.indexOf(d.named[0].key)
		return d.replace(d.named[0], d.top.layout(d.data, i).value(whole)), wasNull
	}
	return d.insert(d.top, d.name, whole), wasAbsent
}

// put replaces the value under key, which must be there, by old as it is.
func (d document) put(key string, old []byte) []byte {
	o, i := d.find(key)
	return d.replace(o.members[i], old)
}

// remove takes key, which must be there, out, the way back from set: where
// nothing else changed, the text is again what it was. The object itself goes
// back to what it was when it is empty.
func (d document) remove(key string, was origin) ([]byte, error) {
	o, i := d.find(key)
	text := d.cut(o, i)
	if was == wasThere {
		return text, nil
	}
	rest, err := parse(text, d.name)
	if err != nil || !rest.empty() {
		return text, err
	}
	last := rest.named[len(rest.named)-1]
	switch was {
	case wasAbsent:
		return rest.cut(rest.top, rest.top.indexOf(last.key)), nil
	case wasNull:
		return rest.replace(last, null), nil
	default:
		return rest.replace(last, []byte("{}")), nil
	}
}

// replace gives a member another value.
func (d document) replace(m member, value []byte) []byte {
	return slices.Concat(d.data[:m.valueStart], value, d.data[m.valueEnd:])
}

// insert adds a member behind the last one and looks like it. In an empty
// object it stands right behind the brace, so that [document.cut] need not
// know whether the white space there was the file's or ours.
func (d document) insert(o *object, key string, value []byte) []byte {
	last := o.last()
	if last < 0 {
		text := slices.Concat(quote(key), []byte(":"), value)
		return slices.Insert(bytes.Clone(d.data), o.open, text...)
	}
	at := o.layout(d.data, last)
	text := slices.Concat([]byte(","), at.gap, quote(key), at.colon, at.value(value))
	return slices.Insert(bytes.Clone(d.data), o.members[last].valueEnd, text...)
}

// cut takes member i out, with one comma and the white space that [document.insert] brought.
func (d document) cut(o *object, i int) []byte {
	from, to := o.span(i)
	return slices.Delete(bytes.Clone(d.data), from, to)
}

// span is what goes with member i.
func (o *object) span(i int) (from, to int) {
	from, to = o.members[i].keyStart, o.members[i].valueEnd
	switch {
	case i < o.last():
		to = o.members[i+1].keyStart
	case i > 0:
		from = o.members[i-1].valueEnd
	default:
		from = o.open
	}
	return from, to
}

// layout is how a member is written.
type layout struct {
	gap   []byte // between the comma or brace before it and the key
	colon []byte // between key and value
	unit  []byte // one step of indentation
}

// layout looks at member i.
func (o *object) layout(data []byte, i int) layout {
	m := o.members[i]
	l := layout{gap: o.gap(data, i), colon: data[m.keyEnd:m.valueStart]}
	indent := l.indent()
	l.unit = indent[:len(indent)/o.depth]
	return l
}

// indent is what stands in the line before the key.
func (l layout) indent() []byte {
	return l.gap[bytes.LastIndexByte(l.gap, '\n')+1:]
}

// value lays compact JSON out for this place: over several lines where the
// members around it have lines of their own.
func (l layout) value(compact []byte) []byte {
	if !bytes.Contains(l.gap, []byte("\n")) {
		return compact
	}
	var text bytes.Buffer
	if err := json.Indent(&text, compact, string(l.indent()), string(l.unit)); err != nil {
		panic(err) // the value is our own JSON
	}
	if bytes.Contains(l.gap, []byte("\r\n")) {
		return bytes.ReplaceAll(text.Bytes(), []byte("\n"), []byte("\r\n"))
	}
	return text.Bytes()
}
