// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
)

// nameServer is all that it knows: the addresses of each name.
type nameServer map[string][]netip.Addr

// newNameServer reads NAME=ADDRESS,ADDRESS and so on, separated by blanks.
func newNameServer(pairs string) nameServer {
	all := nameServer{}
	for _, pair := range strings.Fields(pairs) {
		name, addresses, _ := strings.Cut(pair, "=")
		for address := range strings.SplitSeq(addresses, ",") {
			all[name] = append(all[name], netip.MustParseAddr(address))
		}
	}
	return all
}

// resolver is Go's own, with this name server in place of the system's.
func (n nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
}

// serve answers the questions of one connection (RFC 1035, section 4.2.2).
func (n nameServer) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // in memory
	for {
		size := make([]byte, 2)
		if _, err := io.ReadFull(conn, size); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer := n.answer(query)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// answer is the message to a query for A or AAAA (RFC 1035, section 4.1; RFC 3596).
func (n nameServer) answer(query []byte) []byte {
	const header, typeA, typeAAAA, answered, noSuchName = 12, 1, 28, 0x8180, 0x8183
	end := header
	var labels []string
	for query[end] != 0 {
		next := end + 1 + int(query[end])
		labels, end = append(labels, string(query[end+1:next])), next
	}
	kind, class := query[end+1:end+3], query[end+3:end+5]
	addresses, known := n[strings.Join(labels, ".")]
	flags, count, records := uint16(noSuchName), uint16(0), []byte(nil)
	if known {
		flags = answered
	}
	for _, address := range addresses {
		if wanted := binary.BigEndian.Uint16(kind); address.Is4() && wanted == typeA || address.Is6() && wanted == typeAAAA {
			count++
			records = append(records, 0xc0, header) // the name of the question
			records = append(append(append(records, kind...), class...), 0, 0, 0, 0)
			records = binary.BigEndian.AppendUint16(records, uint16(address.BitLen()/8))
			records = append(records, address.AsSlice()...)
		}
	}
	message := append([]byte(nil), query[:2]...) // its number
	for _, field := range []uint16{flags, 1, count, 0, 0} {
		message = binary.BigEndian.AppendUint16(message, field)
	}
	return append(append(message, query[header:end+5]...), records...)
}
