// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
	"quay-keyless/internal/subject"
)

// flagError says how a flag is written.
func flagError(command *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		err = unknownFlag(command, unknown)
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		err = fmt.Errorf("--%s %q: write %s", flag.Name, invalid.GetValue(), request.Form(flag))
	case errors.As(err, &missing):
		err = fmt.Errorf("--%s needs a value", missing.GetFlag().Name)
	}
	return &request.UsageError{Command: command.CommandPath(), Err: err}
}

// notFlags are flags of other login programs, and what to write instead.
var notFlags = []struct{ names, instead string }{
	{"registry server", "write it without a flag, quay-keyless login REGISTRY"},
	{"username user u", "use --robot ORG+NAME"},
	{"password password-stdin token p", "there is no password, use --robot ORG+NAME"},
	{"organization org", "write the organization in front of the robot's name: --robot ORG+NAME"},
	{"insecure tls-skip-verify", "use --tls-verify=false"},
}

// unknownFlag says what the user may have meant by a flag that does not exist.
func unknownFlag(command *cobra.Command, unknown *pflag.NotExistError) error {
	name, dashes := unknown.GetSpecifiedName(), "--"
	if unknown.GetSpecifiedShortnames() != "" {
		dashes = "-"
	}
	err := fmt.Errorf("unknown flag %s%s", dashes, name)
	for _, other := range notFlags {
		if slices.Contains(strings.Fields(other.names), name) {
			return fmt.Errorf("%w: %s", err, other.instead)
		}
	}
	near, most := "", max(2, len(name)/3)
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		if distance := subject.Distance(name, flag.Name); distance <= most {
			near, most = flag.Name, distance-1
		}
	})
	if near != "" {
		return fmt.Errorf("%w: did you mean --%s?", err, near)
	}
	return err
}

// noSuchCommand accepts no argument, because it would be the name of a command.
func noSuchCommand(command *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q for %q", args[0], command.CommandPath())
	command.SuggestionsMinimumDistance = 2
	if near := command.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
	}
	return &request.UsageError{Command: command.CommandPath(), Err: err}
}

// truths are what people write for true and false.
var truths = map[string]bool{"true": true, "yes": true, "on": true, "1": true, "false": false, "no": false, "off": false, "0": false}

// slip finds arguments that belong to a flag.
func slip(run *process.Run, command *cobra.Command, args []string) error {
	for _, arg := range args {
		at := slices.Index(run.Env.Args, arg)
		if truth, ok := truths[strings.ToLower(arg)]; ok && at > 0 {
			flag := command.Flags().Lookup(strings.TrimPrefix(run.Env.Args[at-1], "--"))
			if flag != nil && flag.NoOptDefVal != "" {
				return fmt.Errorf("--%s %s: write --%s=%t", flag.Name, arg, flag.Name, truth)
			}
		}
		name := arg[strings.LastIndex(arg, "/")+1:]
		if _, err := quay.ParseRobot(name); err == nil && command.Flags().Lookup("robot") != nil {
			return fmt.Errorf("%s is a robot account: write --robot %[1]s", arg)
		}
		if inQuotes(arg) {
			return fmt.Errorf("%s: remove the quotes inside of the value", arg)
		}
	}
	return nil
}

// inQuotes reports quotes that a shell or a CI variable left around a value.
func inQuotes(value string) bool {
	return len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0]
}

// quoted finds flags whose value has quotes around it.
func quoted(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(flag *pflag.Flag) {
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if i := slices.IndexFunc(values, inQuotes); i >= 0 && err == nil {
			err = fmt.Errorf("--%s %s: remove the quotes inside of the value", flag.Name, values[i])
		}
	})
	return err
}
