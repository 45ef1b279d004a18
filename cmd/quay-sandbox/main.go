// SPDX-License-Identifier: Apache-2.0

// Quay-sandbox is Quay and the CI platforms in one local process, to try
// quay-keyless on and to test against.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
