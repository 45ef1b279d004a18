// SPDX-License-Identifier: Apache-2.0

// Package ascii finds the character in a name that is not ASCII: a Cyrillic а in
// quay.io looks right and leads to another host.
package ascii

import "fmt"

// Check returns an error that shows the first character that is not ASCII. Callers
// quote the name with %+q, which shows it too.
func Check(name string) error {
	at := 0
	for i, r := range name {
		at++
		if r >= 0x80 {
			shown := fmt.Sprintf("character %U", r)
			if r == '\uFFFD' {
				shown = fmt.Sprintf("byte %#02x", name[i])
			}
			return fmt.Errorf("the %s at position %d is not ASCII", shown, at)
		}
	}
	return nil
}

// Host is [Check] for a host name, with the way to write one of another alphabet.
func Host(name string) error {
	if err := Check(name); err != nil {
		return fmt.Errorf("%w; write an internationalized host name in punycode (xn--...)", err)
	}
	return nil
}
