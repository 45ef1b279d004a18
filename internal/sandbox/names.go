// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"quay-keyless/internal/sandbox/api"
	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/platform"
	"quay-keyless/internal/sandbox/quay"
)

// What a Quay stores, and who may change it.
type (
	Robot    = database.Robot
	Entry    = database.Entry
	Role     = database.Role
	APIToken = api.Token
)

// The roles of Quay's permission API.
const (
	Read  = database.Read
	Write = database.Write
	Admin = database.Admin
)

// DefaultRelease is the Quay release that an empty [Config.Release] means.
const DefaultRelease = quay.DefaultRelease

// Jobs, and how their repositories on GitHub are set up.
type (
	Job           = platform.Job
	GitHubSubject = platform.GitHubSubject
)

// The user and the clients of the OIDC provider.
const (
	ConfidentialClient = platform.ConfidentialClient
	PublicClient       = platform.PublicClient
	ClientSecret       = platform.ClientSecret
	User               = platform.User
	UserPassword       = platform.UserPassword
	UserID             = platform.UserID
	ServiceAccountID   = platform.ServiceAccountID
)

// Token describes an ID token to mint, right or wrong. The zero value is what the
// default job on GitHub receives for the audience quay.
type Token = jwt.Spec

// Keys are the signing keys of a sandbox.
type Keys = jwt.Keys

// NewKeys returns keys that no other Keys has.
func NewKeys() *Keys { return jwt.NewKeys() }
