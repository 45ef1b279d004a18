// SPDX-License-Identifier: Apache-2.0

package main_test

import "testing"

// TestLinuxScripts runs the scripts of testdata/script-linux, which need /dev/full.
func TestLinuxScripts(t *testing.T) { runScripts(t, "script-linux", commands) }
