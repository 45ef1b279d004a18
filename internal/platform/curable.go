// SPDX-License-Identifier: Apache-2.0

package platform

// Curable is an error that knows how to fix it.
type Curable struct {
	Text  string
	Cures []string // each can be pasted or done
}

// Error is the text.
func (c *Curable) Error() string { return c.Text }

// Hints are the cures.
func (c *Curable) Hints() []string { return c.Cures }
