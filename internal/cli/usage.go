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
var notFlags = map[string]string{
	"registry": "write it without a flag, quay-keyless login REGISTRY",
	"server":   "write it without a flag, quay-keyless login REGISTRY",
	"username": "use --robot ORG+NAME", "user": "use --robot ORG+NAME", "u": "use --robot ORG+NAME",
	"password": "there is no password, use --robot ORG+NAME", "p": "there is no password, use --robot ORG+NAME",
	"password-stdin": "there is no password, use --robot ORG+NAME",
	"token":          "there is no password, use --robot ORG+NAME",
	"org":            "write the organization in front of the robot's name: --robot ORG+NAME",
	"organization":   "write the organization in front of the robot's name: --robot ORG+NAME",
	"insecure":       "use --tls-verify=false", "tls-skip-verify": "use --tls-verify=false",
}

func unknownFlag(command *cobra.Command, unknown *pflag.NotExistError) error {
	name := unknown.GetSpecifiedName()
	written := "--" + name
	if unknown.GetSpecifiedShortnames() != "" {
		written = "-" + name
	}
	if instead, ok := notFlags[name]; ok {
		return fmt.Errorf("unknown flag %s: %s", written, instead)
	}
	var names []string
	command.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	if near := nearest(name, names); near != "" {
		return fmt.Errorf("unknown flag %s: did you mean --%s?", written, near)
	}
	return fmt.Errorf("unknown flag %s", written)
}

// nearest is the name that a person may have meant; "" if none is near.
func nearest(name string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	best := slices.MinFunc(names, func(a, b string) int { return subject.Distance(name, a) - subject.Distance(name, b) })
	if subject.Distance(name, best) > max(2, len(name)/3) {
		return ""
	}
	return best
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
