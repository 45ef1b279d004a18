// SPDX-License-Identifier: Apache-2.0

package cli

// keepOwner does nothing: Windows has no umask.
func keepOwner() {}

// unread is never known here.
func unread() bool { return false }
