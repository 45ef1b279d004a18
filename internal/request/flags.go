// SPDX-License-Identifier: Apache-2.0

package request

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// DefaultAudience is what Quay after 3.18 assumes for federation entries saved without
// an audience.
const DefaultAudience = "quay"

// IdentityFlags choose the ID token and say how to contact endpoints.
type IdentityFlags struct {
	Audiences                   []string
	Source, TokenFile, TokenEnv string
	TokenStdin                  bool
	CaCertificate               string
	Timeout                     time.Duration
	Verbose                     bool
	Sources                     SourceFlags
	// Given is the source, instead of the flags: the ID token came with the request.
	Given idtoken.Source
}

// AddTo declares the flags.
func (f *IdentityFlags) AddTo(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.Audiences, "audience", []string{DefaultAudience}, "`AUDIENCE` of the ID token, or HOST=AUDIENCE for one registry (repeatable)")
	flags.StringVar(&f.Source, "id-token-source", "auto", "`NAME` of the place the ID token comes from: auto, github, gitlab, azure-pipelines, buildkite, circleci, kubernetes, oidc, entra, azure-identity or google")
	flags.StringVar(&f.TokenFile, "id-token-file", "", "read the ID token from the file at `PATH`")
	flags.StringVar(&f.TokenEnv, "id-token-env", "", "read the ID token from the variable `NAME`")
	flags.BoolVar(&f.TokenStdin, "id-token-stdin", false, "read the ID token from standard input")
	f.Sources.addTo(flags)
	flags.StringVar(&f.CaCertificate, "ca-certificate", "", "trust this `CA` beside the system's: a path, PEM text or base64 of it")
	flags.DurationVar(&f.Timeout, "timeout", 90*time.Second, "how long everything together may take; 5m0s where a person logs in")
	flags.BoolVar(&f.Verbose, "verbose", false, "say what was asked of whom and how long it took")
}

// ExchangeFlags are the flags that login, token and doctor share.
type ExchangeFlags struct {
	IdentityFlags
	Robots            []string
	Verify, TLSVerify bool
	check             []string
}

// AddTo declares the flags.
func (f *ExchangeFlags) AddTo(flags *pflag.FlagSet) {
	f.IdentityFlags.AddTo(flags)
	flags.StringArrayVar(&f.Robots, "robot", nil, "robot account to log in as, `[HOST/]ORG+NAME` (repeatable)")
	flags.BoolVar(&f.Verify, "verify", true, "prove the login at the registry")
	flags.StringArrayVar(&f.check, "check", nil, "also make sure that the robot may pull from or push to a repository, `ORG/REPO[:pull|push]` (repeatable, push by default)")
	flags.BoolVar(&f.TLSVerify, "tls-verify", true, "verify the registry's certificate")
}

// Begin returns the context of a command, which a signal or --timeout ends. End frees what
// it needs.
func (f *IdentityFlags) Begin(ctx context.Context, run *process.Run) (begun context.Context, end func()) {
	ctx, stop := run.Env.Interruptible(ctx)
	limit := f.Sources.limit(f.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, ErrTimeout{Limit: limit})
	return ctx, func() { cancel(); stop() }
}

// ErrTimeout is the cause of a context that ended by --timeout.
type ErrTimeout struct{ Limit time.Duration }

// Error is the text.
func (e ErrTimeout) Error() string {
	return fmt.Sprintf("not done within the %s of --timeout", e.Limit)
}

// Is makes errors.Is(err, context.DeadlineExceeded) true.
func (ErrTimeout) Is(target error) bool { return target == context.DeadlineExceeded }

// variableName is what shells accept as a variable's name.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ChooseSource finds the source that the user named, or the job's own.
func (f *IdentityFlags) ChooseSource(env idtoken.Env) (idtoken.Source, error) {
	if f.Given != nil {
		return f.Given, nil
	}
	if f.TokenEnv != "" && !variableName.MatchString(f.TokenEnv) {
		return nil, &UsageError{Err: errors.New("--id-token-env wants a variable's name, as QUAY_ID_TOKEN, not its value")}
	}
	var explicit []idtoken.Source
	if f.TokenFile != "" {
		explicit = append(explicit, idtoken.File{Env: env, Path: f.TokenFile})
	}
	if f.TokenEnv != "" {
		explicit = append(explicit, idtoken.Variable{Env: env, Variable: f.TokenEnv})
	}
	if f.TokenStdin {
		explicit = append(explicit, idtoken.Stdin{Env: env})
	}
	if len(explicit) > 0 && f.Sources.issuer != "" {
		explicit = append(explicit, idtoken.OIDC{})
	}
	switch {
	case len(explicit) > 1:
		return nil, &UsageError{Err: fmt.Errorf("the ID token can come from %s or %s, not from both", explicit[0].Name(), explicit[1].Name())}
	case len(explicit) == 1:
		return explicit[0], nil
	}
	source, err := f.Sources.choose(env, f.Source)
	var unknown *idtoken.Error
	if errors.As(err, &unknown) && unknown.Problem == idtoken.UnknownSource {
		return nil, &UsageError{Err: err}
	}
	return source, err
}

// RegistryArgument is the command's REGISTRY, the variable's, or quay.io.
func RegistryArgument(run *process.Run, args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	if registry := strings.TrimSpace(run.Env.Getenv("QUAY_REGISTRY")); registry != "" {
		return registry
	}
	return "quay.io"
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "QUAY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// BindEnvironment sets each flag that is not on the command line from its variable,
// unless that is empty. Lists have one item per line.
func BindEnvironment(flags *pflag.FlagSet, getenv func(string) string) error {
	var errs []error
	flags.Visit(func(flag *pflag.Flag) {
		if flag.Value.String() == "" && flag.Name != "oidc-scope" { // for which it means none
			errs = append(errs, fmt.Errorf("--%s is empty: is the variable set that it comes from?", flag.Name))
		}
	})
	flags.VisitAll(func(flag *pflag.Flag) {
		value := strings.TrimSpace(getenv(variable(flag.Name)))
		if flag.Changed || value == "" || flag.Name == "help" {
			return
		}
		var err error
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			err = list.Replace(Lines(value))
		} else if flag.Name == outputFlag && flag.Value.Set(value) != nil {
			return // it is meant for another command
		} else {
			err = errors.Join(flags.Set(flag.Name, value), flags.SetAnnotation(flag.Name, fromVariable, []string{variable(flag.Name)}))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is %q: write %s", variable(flag.Name), value, Forms[flag.Value.Type()]))
		}
	})
	return errors.Join(errs...)
}

// fromVariable marks a flag that was set from its variable.
const fromVariable = "variable"

// Reach returns the flags that a suggested command must repeat to reach the same
// registry.
func (f *IdentityFlags) Reach() string {
	return f.given("ca-certificate", "tls-verify", "api-token-file")
}

// identity returns the flags that a suggested command must repeat to get the same ID
// token. It cannot repeat standard input.
func (f *IdentityFlags) identity() string {
	names := []string{"id-token-source", "id-token-file", "id-token-env", "oidc-redirect-port"}
	for _, flag := range f.Sources.all() {
		names = append(names, flag.name)
	}
	return f.given(names...)
}

// given writes those of the flags that were on the command line, for a shell. It leaves
// out what came from variables, because they apply in the same shell and may be wrong in
// another, and a CA given as text, because it is long.
func (f *IdentityFlags) given(names ...string) string {
	var words strings.Builder
	for _, name := range names {
		flag := f.Sources.lookup(name)
		if flag == nil || !flag.Changed || flag.Annotations[fromVariable] != nil {
			continue
		}
		separator := " "
		if flag.NoOptDefVal != "" { // a bool needs the =
			separator = "="
		}
		if value := flag.Value.String(); inPEM(value) == nil {
			words.WriteString(" --" + name + separator + platform.Shell(value))
		}
	}
	return words.String()
}

// Forms say how to write a flag's value, by its type.
var Forms = map[string]string{"bool": "true or false", "duration": "a number with its unit, as 90s or 2m"}

// Lines are the lines of a variable that holds a list, without empty ones.
func Lines(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// OneRegistry is for commands with an optional REGISTRY.
func OneRegistry(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("one registry at most, not %d: %s", len(args), strings.Join(args, " "))
	}
	return nil
}

// FlagSet spares other packages the import of pflag.
type FlagSet = *pflag.FlagSet
