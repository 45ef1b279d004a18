// SPDX-License-Identifier: Apache-2.0

package request

import (
	"cmp"
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
	AddChoice(flags, &f.Source, "id-token-source", "get the ID token from `NAME`: ", idtoken.SourceNames()...)
	flags.StringVar(&f.TokenFile, "id-token-file", "", "read the ID token from the file `PATH`")
	flags.StringVar(&f.TokenEnv, "id-token-env", "", "read the ID token from the variable `NAME`")
	flags.BoolVar(&f.TokenStdin, "id-token-stdin", false, "read the ID token from standard input")
	flags.StringArrayVar(&f.Audiences, "audience", []string{DefaultAudience}, "request `AUDIENCE`, or HOST=AUDIENCE for one registry (repeatable)")
	f.Sources.addTo(flags)
	f.addTransportTo(flags)
}

// addTransportTo declares those that every request needs.
func (f *IdentityFlags) addTransportTo(flags *pflag.FlagSet) {
	f.Sources.flags = flags
	flags.StringVar(&f.CaCertificate, "ca-certificate", "", "also trust this `CA`: a path, PEM text or base64 of it")
	flags.DurationVar(&f.Timeout, "timeout", 90*time.Second, "stop after this `DURATION`, or after 5m0s if a person logs in")
	flags.BoolVar(&f.Verbose, "verbose", false, "report each request and how long it took")
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
	flags.StringArrayVar(&f.Robots, "robot", nil, "log in as `[HOST/]ORG+NAME` (repeatable)")
	flags.StringArrayVar(&f.check, "check", nil, "also require push, or with :pull only pull, on the repository `ORG/REPO[:pull]` (repeatable)")
	flags.BoolVar(&f.Verify, "verify", true, "check the login at the registry")
	flags.BoolVar(&f.TLSVerify, "tls-verify", true, "verify the registry's certificate")
	f.IdentityFlags.AddTo(flags)
}

// patience is how long a login with a person in it may take, unless --timeout says
// otherwise.
const patience = 5 * time.Minute

// Begin returns the context of a command, which a signal or --timeout ends. End frees what
// it needs.
func (f *IdentityFlags) Begin(ctx context.Context, run *process.Run) (begun context.Context, end func()) {
	ctx, stop := run.Env.Interruptible(ctx)
	limit := f.Timeout
	if timeout := f.Sources.lookup("timeout"); timeout != nil && !timeout.Changed && f.Sources.Client.Flow.Interactive() {
		limit = patience
	}
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

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkVariable finds a flag that has a secret instead of the name of a variable.
func checkVariable(flag, name string) error {
	if name != "" && !variableName.MatchString(name) {
		return fmt.Errorf("--%s needs a variable's name, not its value", flag)
	}
	return nil
}

// ChooseSource finds the source that the user named, or the job's own.
func (f *IdentityFlags) ChooseSource(env idtoken.Env) (idtoken.Source, error) {
	if f.Given.Get != nil {
		return f.Given, nil
	}
	err := cmp.Or(
		checkVariable("id-token-env", f.TokenEnv),
		f.Sources.exclusive("id-token-file", "id-token-env", "id-token-stdin", "oidc-issuer"),
	)
	switch {
	case err != nil:
		return idtoken.Source{}, &UsageError{Err: err}
	case f.TokenFile != "":
		return idtoken.File(env, f.TokenFile), nil
	case f.TokenEnv != "":
		return idtoken.Variable(env, f.TokenEnv), nil
	case f.TokenStdin:
		return idtoken.Stdin(env), nil
	}
	return f.Sources.choose(env, f.Source)
}

// RegistryArgument is the command's REGISTRY, the variable's, or quay.io.
func RegistryArgument(run *process.Run, args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return cmp.Or(strings.TrimSpace(run.Env.Getenv("QUAY_REGISTRY")), "quay.io")
}

func variable(flag string) string {
	return "QUAY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// BindEnvironment sets each flag that is not on the command line from its variable,
// unless that is empty. Lists have one item per line. It also finds values that no flag may have.
func BindEnvironment(flags *pflag.FlagSet, getenv func(string) string) error {
	var errs []error
	flags.VisitAll(func(flag *pflag.Flag) {
		var err error
		value := strings.TrimSpace(getenv(variable(flag.Name)))
		list, isList := flag.Value.(pflag.SliceValue)
		switch {
		case flag.Changed && flag.Value.String() == "" && flag.Name != "oidc-scope": // for which it means none
			errs = append(errs, fmt.Errorf("--%s is empty: check the variable that it comes from", flag.Name))
		case flag.Changed || value == "" || flag.Name == "help":
		case isList:
			err = list.Replace(Lines(value))
		case flag.Name == outputFlag && flag.Value.Set(value) != nil: // it is meant for another command
		default:
			err = errors.Join(flags.Set(flag.Name, value), flags.SetAnnotation(flag.Name, fromVariable, []string{variable(flag.Name)}))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is %q: write %s", variable(flag.Name), value, Form(flag)))
		}
		if limit, err := flags.GetDuration(flag.Name); err == nil && limit <= 0 {
			errs = append(errs, fmt.Errorf("--%s must be positive", flag.Name))
		}
	})
	return errors.Join(errs...)
}

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
	words := ""
	for _, name := range names {
		flag := f.Sources.lookup(name)
		if flag == nil || !flag.Changed || flag.Annotations[fromVariable] != nil {
			continue
		}
		switch value := flag.Value.String(); {
		case inPEM(value) != nil:
		case flag.NoOptDefVal != "": // a bool needs the =
			words += " --" + name + "=" + value
		default:
			words += " --" + name + " " + platform.Shell(value)
		}
	}
	return words
}

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
		return fmt.Errorf("write one registry, not %d: %s", len(args), strings.Join(args, " "))
	}
	return nil
}

// FlagSet spares other packages the import of pflag.
type FlagSet = *pflag.FlagSet
