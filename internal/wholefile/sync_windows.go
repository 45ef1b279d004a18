// SPDX-License-Identifier: Apache-2.0

package wholefile

// SyncName does nothing: Windows keeps names by itself.
func SyncName(string) error { return nil }
