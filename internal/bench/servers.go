// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const registryVariable, urlVariable, tokenVariable = "QUAY_REGISTRY", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

// startJob starts a sandbox and returns the environment of a GitHub job that trusts
// it, the registry first. Quay and GitHub have an address each, so that they need
// two connections, as in a real job.
func startJob(ctx context.Context, folder, listen, quay, gitHub, port string) (env []string, stop func()) {
	folder = must(os.MkdirTemp(folder, "job-"))
	config, ca, bundle := folder+"/sandbox.yaml", folder+"/ca.crt", folder+"/roots.pem"
	text := fmt.Sprintf("listen: %q\nhostname: %q\nnames: [%q]\n", listen+":"+port, quay+":"+port, gitHub)
	must(0, os.WriteFile(config, []byte(text), 0o600))
	server := exec.CommandContext(ctx, "bin/quay-sandbox", "-config", config, "-ca-file", ca)
	server.Stderr = os.Stderr
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if this process is killed
	lines := bufio.NewScanner(must(server.StdoutPipe()))
	must(0, server.Start())
	variables := map[string]string{}
	for (variables[urlVariable] == "" || variables[tokenVariable] == "") && lines.Scan() {
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		variables[name] = strings.Trim(value, "'")
	}
	roots := must(os.ReadFile("/etc/ssl/certs/ca-certificates.crt")) // Debian's
	must(0, os.WriteFile(bundle, append(roots, must(os.ReadFile(ca))...), 0o600))
	return []string{
		registryVariable + "=" + quay + ":" + port, tokenVariable + "=" + variables[tokenVariable],
		urlVariable + "=" + strings.Replace(variables[urlVariable], quay, gitHub, 1),
		"INPUT_ROBOT=acme+ci", "CI=true", "GITHUB_ACTIONS=true", "PATH=" + os.Getenv("PATH"),
		"SSL_CERT_FILE=" + bundle, "CURL_CA_BUNDLE=" + bundle, "CERTS=" + folder,
	}, func() { _ = server.Process.Kill(); _ = server.Wait() }
}

// The network for benchmarks (RFC 2544, appendix C.2.2). Servers listen on the local
// address; clients reach them at the others, through the device.
const local, quayAway, gitHubAway = "198.18.0.1", "198.18.0.2", "198.18.0.3"

const roundTrip = 50 * time.Millisecond

// distance is a network device (TUN) that returns each packet after half a round trip
// with its two addresses swapped. A server here takes it for a packet from afar, and
// its answer goes the same way. TCP and TLS are the system's and the programs' own.
type distance struct {
	device *os.File
	done   chan struct{}
}

func newDistance() *distance {
	descriptor := must(unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)) // needs root
	const name = "quay-bench"
	request := must(unix.NewIfreq(name))
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	must(0, unix.IoctlIfreq(descriptor, unix.TUNSETIFF, request))
	must(exec.Command("sh", "-c", "ip address add "+local+"/24 dev "+name+" && ip link set "+name+" up").Output())
	d := &distance{os.NewFile(uintptr(descriptor), name), make(chan struct{})}
	packets := make(chan packet, 4096)
	go d.read(packets)
	go d.deliver(packets)
	return d
}

type packet struct {
	content []byte
	due     time.Time
}

func (d *distance) read(packets chan<- packet) {
	defer close(packets)
	for content := make([]byte, 2048); ; { // the device's packets have at most 1500 bytes
		n, err := d.device.Read(content)
		if err != nil {
			return
		}
		packets <- packet{slices.Clone(content[:n]), time.Now().Add(roundTrip / 2)}
	}
}

func (d *distance) deliver(packets <-chan packet) {
	defer close(d.done)
	for p := range packets {
		time.Sleep(time.Until(p.due))
		const source, destination, end = 12, 16, 20 // in the header of IPv4 (RFC 791)
		if len(p.content) >= end && p.content[0]>>4 == 4 {
			from := slices.Clone(p.content[source:destination])
			copy(p.content[source:], p.content[destination:end])
			copy(p.content[destination:], from)
			_, _ = d.device.Write(p.content)
		}
	}
}

// close removes the device.
func (d *distance) close() {
	_ = d.device.Close()
	<-d.done
}
