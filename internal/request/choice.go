// SPDX-License-Identifier: Apache-2.0

package request

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Choice is a flag with a few values.
type Choice struct {
	value   *string
	Choices []string
}

var _ pflag.Value = (*Choice)(nil)

// String is the value.
func (c *Choice) String() string { return *c.value }

// Type is a text's.
func (*Choice) Type() string { return "string" }

// Set takes one of the values.
func (c *Choice) Set(text string) error {
	if !slices.Contains(c.Choices, text) {
		return fmt.Errorf("write %s", Alternatives(c.Choices))
	}
	*c.value = text
	return nil
}

// Alternatives are texts as a sentence lists them.
func Alternatives(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// AddChoice declares a flag with a few values. The first is the default.
func AddChoice(flags *pflag.FlagSet, value *string, name, usage string, choices ...string) {
	*value = choices[0]
	flags.Var(&Choice{value, choices}, name, usage+Alternatives(choices))
}

// AddOutput declares --output. The first choice is the default. A variable with another
// command's choice is ignored.
func AddOutput(flags *pflag.FlagSet, value *string, choices ...string) {
	AddChoice(flags, value, outputFlag, "print the result as `FORMAT`: ", choices...)
}

const outputFlag = "output"

// OutputOf is the choice of --output; nil if the command has none.
func OutputOf(flags *pflag.FlagSet) *Choice {
	if flag := flags.Lookup(outputFlag); flag != nil {
		choice, _ := flag.Value.(*Choice)
		return choice
	}
	return nil
}

// Form is how to write the value of a flag.
func Form(flag *pflag.Flag) string {
	if choice, ok := flag.Value.(*Choice); ok {
		return Alternatives(choice.Choices)
	}
	switch kind := flag.Value.Type(); kind {
	case "bool":
		return "true or false"
	case "duration":
		return "a number with its unit, as 90s or 2m"
	default:
		return "a " + kind
	}
}

// UsageError is a command line that makes no sense. Main adds Command, whose help says
// more.
type UsageError struct {
	Command string
	Err     error
}

// Error is the text.
func (u *UsageError) Error() string { return u.Err.Error() }

// Unwrap is the cause.
func (u *UsageError) Unwrap() error { return u.Err }
