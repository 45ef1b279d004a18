// SPDX-License-Identifier: Apache-2.0

//go:build !race

package main_test

// whole is whether the tests try every combination, as they do with -race.
const whole = false
