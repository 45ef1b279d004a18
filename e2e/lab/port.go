// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// FreePort is a port of 127.0.0.1 that nobody uses, for a server that wants to be told
// one. It is below those that Linux gives to clients (32768 and up), of which one could
// take it before the server does.
func FreePort() (string, error) {
	const lowest, clients = 10000, 32768
	var err error
	for range 100 {
		port := strconv.Itoa(lowest + rand.IntN(clients-lowest))
		var listener net.Listener
		if listener, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, listener.Close()
		}
	}
	return "", fmt.Errorf("no free port: %w", err)
}
