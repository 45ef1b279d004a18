// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The addresses are of the network that is set aside for benchmarks (RFC 2544,
// appendix C.2.2). Servers listen on the local one; clients reach them at the
// others, each way by the device.
const (
	local      = "198.18.0.1"
	quayAway   = "198.18.0.2"
	gitHubAway = "198.18.0.3"
)

// distance is a network device (TUN) behind which all servers are a round trip
// away. Each packet comes back after half of it with its two addresses swapped,
// so that a server here takes it for one from afar and answers by the same way.
// TCP and TLS are the system's and the programs' own: each connection, handshake
// and request takes the time that it takes on such a network. The checksums stay
// right, since they are sums of both addresses.
type distance struct {
	device *os.File
	done   chan struct{}
}

const deviceName = "quay-bench"

// newDistance sets up the device. It needs the right to, as root has it.
func newDistance(roundTrip time.Duration) (*distance, error) {
	descriptor, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(deviceName)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(descriptor, unix.TUNSETIFF, request)
	}
	device := os.NewFile(uintptr(descriptor), deviceName) // not before it is a device that can be polled
	for _, arguments := range []string{"address add " + local + "/24 dev " + deviceName, "link set " + deviceName + " up"} {
		if err == nil {
			err = exec.Command("ip", strings.Fields(arguments)...).Run()
		}
	}
	if err != nil {
		return nil, errors.Join(err, device.Close())
	}
	d := &distance{device, make(chan struct{})}
	packets := make(chan packet, 4096) // far more than ever are under way
	go d.send(packets, roundTrip/2)
	go d.deliver(packets)
	return d, nil
}

// packet is one that is under way.
type packet struct {
	content []byte
	due     time.Time
}

// send takes what programs send, and puts it on its way.
func (d *distance) send(packets chan<- packet, oneWay time.Duration) {
	defer close(packets)
	content := make([]byte, 2048) // the device's packets have 1500 at most
	for {
		n, err := d.device.Read(content)
		if err != nil {
			return
		}
		packets <- packet{slices.Clone(content[:n]), time.Now().Add(oneWay)}
	}
}

// deliver hands each packet over when it is due.
func (d *distance) deliver(packets <-chan packet) {
	defer close(d.done)
	for p := range packets {
		time.Sleep(time.Until(p.due))
		const source, destination, end = 12, 16, 20 // in the header of IPv4 (RFC 791)
		if len(p.content) < end || p.content[0]>>4 != 4 {
			continue // IPv6's own chatter
		}
		var from [4]byte
		copy(from[:], p.content[source:destination])
		copy(p.content[source:destination], p.content[destination:end])
		copy(p.content[destination:end], from[:])
		_, _ = d.device.Write(p.content)
	}
}

// close takes the device away.
func (d *distance) close() {
	_ = d.device.Close()
	<-d.done
}
