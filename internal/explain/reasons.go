// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"maps"
	"slices"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// reason is what the program knows about one kind of error.
type reason struct {
	exit int
	// words are the first line and the cures; nil if the error's own words are enough.
	words func(*facts) platform.Message
}

// otherError is the code of an error that no other row is about.
const otherError = "error"

// reasons is the one table: a row for each stable code.
var reasons = joined(otherReasons, idTokenReasons, exchangeReasons, registryReasons, apiReasons, networkReasons, fileReasons)

// joined is one table made of several, none of which has another's code.
func joined(tables ...map[string]reason) map[string]reason {
	all := map[string]reason{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

// Codes are all reasons' codes, sorted.
func Codes() []string { return slices.Sorted(maps.Keys(reasons)) }

// says is a row's words if they need no facts: the error's own line, then what to do.
func says(steps ...platform.Step) func(*facts) platform.Message {
	return func(f *facts) platform.Message { return f.message("", steps...) }
}

var otherReasons = map[string]reason{
	otherError:          {exit: exitOther},
	"interrupted":       {exit: exitOther, words: interruptedWords},
	"no-matching-entry": {exit: exitOther},
	"usage":             {exit: exitUsage, words: usageWords},
}

// interruptedWords name the signal, and not what the program did when it came.
func interruptedWords(f *facts) platform.Message {
	var interrupted *process.Interrupted
	errors.As(f.err, &interrupted)
	return platform.Message{Text: interrupted.Error()}
}

// usageWords point at the command's help.
func usageWords(f *facts) platform.Message {
	var usage *request.UsageError
	if !errors.As(f.err, &usage) || usage.Command == "" {
		return platform.Message{}
	}
	return platform.Message{More: []string{usage.Command + " --help"}}
}
