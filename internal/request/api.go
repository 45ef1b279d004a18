// SPDX-License-Identifier: Apache-2.0

package request

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"quay-keyless/internal/quay"
)

// APITokenVariable holds the API token. There is no flag for the token itself:
// every user of a machine can read other programs' arguments.
const APITokenVariable = "QUAY_API_TOKEN"

// APIFlags are the flags that the commands for Quay's management API share.
type APIFlags struct {
	IdentityFlags // federation list has only AddTransportTo's
	robot         string
	APITokenFile  string
	TLSVerify     bool
}

// AddTo declares the flags, without those of IdentityFlags.
func (f *APIFlags) AddTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.robot, "robot", "", "select the robot account `[HOST/]ORG+NAME`")
	f.AddTokenTo(flags)
}

// AddTokenTo declares the flags without --robot.
func (f *APIFlags) AddTokenTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.APITokenFile, "api-token-file", "", "read the API token from the file `PATH`, not from "+APITokenVariable)
	flags.BoolVar(&f.TLSVerify, "tls-verify", true, "verify the registry's certificate")
}

// Target is the robot, at its registry or at the command's.
func (f *APIFlags) Target(registry string) (Target, error) {
	flags := ExchangeFlags{IdentityFlags: f.IdentityFlags, TLSVerify: f.TLSVerify}
	if f.robot != "" {
		flags.Robots = []string{f.robot}
	}
	targets, err := flags.Targets(registry)
	if err != nil {
		return Target{}, err
	}
	return targets[0], nil
}

// OrganizationTarget is an organization at a registry, without a robot. REGISTRY/ORG names it
// too.
func (f *APIFlags) OrganizationTarget(registry, organization string) (Target, error) {
	at, err := quay.ParseRegistry(registry)
	name := cmp.Or(organization, at.Namespace)
	switch {
	case err != nil:
		return Target{}, err
	case name == "":
		return Target{}, errors.New("no organization: name one with --org ORG")
	case at.Namespace != "" && at.Namespace != name:
		return Target{}, fmt.Errorf("%s is not in the organization %s", at.Key(), name)
	case f.robot != "":
		return Target{}, errors.New("use --robot or a file, not both")
	}
	robot, err := quay.ParseRobot(name + "+ci")
	if err != nil {
		return Target{}, fmt.Errorf("%q cannot be the name of an organization or user", name)
	}
	robot.Name = ""
	return Target{Registry: at, Robot: robot, Reach: f.Reach()}, nil
}

// editing is the default of --timeout for commands that may have to save a change several
// times, because other clients overwrite it: with 8 at once the slowest took 102 s.
const editing = 3 * time.Minute

// Editing sets that default.
func (f *IdentityFlags) Editing(flags *pflag.FlagSet) {
	f.Timeout, flags.Lookup("timeout").DefValue = editing, editing.String()
}

// AddTransportTo declares those of IdentityFlags that every request needs, for commands
// without an ID token.
func (f *APIFlags) AddTransportTo(flags *pflag.FlagSet) {
	f.addTransportTo(flags)
	f.Editing(flags)
}
