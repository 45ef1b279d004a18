// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"quay-keyless/internal/platform"
)

// ErrUnread is the error before anything is asked for a token that would get lost.
var ErrUnread = &platform.Curable{
	Text:  "standard output is closed, so nobody would get the robot token",
	Cures: []string{"token --output-file PATH writes it to a file, and doctor checks everything without a token"},
}
