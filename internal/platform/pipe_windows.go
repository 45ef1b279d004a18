// SPDX-License-Identifier: Apache-2.0

package platform

import "os"

// openPipe finds no pipe: on Windows they have names of their own.
func openPipe(string) (*os.File, error) { return nil, nil }
