// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"net/http"

	"quay-keyless/internal/endpoint"
)

// Account is a robot account as the API sees it. The errors of its methods are those of
// [API].
type Account struct {
	api   *API
	robot Robot
}

// Account is the robot account of that name; nothing is asked yet.
func (a *API) Account(robot Robot) *Account { return &Account{api: a, robot: robot} }

// ask asks about the robot.
func (a *Account) ask(ctx context.Context, method, path string, body any) (*endpoint.Answer, error) {
	return a.api.robots(ctx, method, a.robot.Namespace, "/"+a.robot.Name+path, body)
}

// Federation returns the robot's federation entries as Quay stores them. It also tells
// if the robot is missing. It never asks for the robot itself, because that answer holds
// the permanent password.
func (a *Account) Federation(ctx context.Context) (Entries, error) {
	answer, err := a.ask(ctx, http.MethodGet, "/federation", nil)
	return a.entries(answer, err)
}

// entries reads a list of federation entries, unless there was an error before.
func (a *Account) entries(answer *endpoint.Answer, err error) (Entries, error) {
	entries, err := decoded[Entries](a.api, answer, err, "federation entries")
	if err == nil && entries == nil {
		err = a.api.unbelievable("answered with null in place of federation entries")
	}
	return entries, err
}

// Create makes the robot account; an existing one is fine. It ignores Quay's answer,
// which holds the robot's permanent password.
func (a *Account) Create(ctx context.Context, description string) error {
	_, err := a.ask(ctx, http.MethodPut, "", map[string]string{"description": description})
	return unless(err, "Existing robot with name")
}

// Delete removes the robot account, and with it every login by it.
func (a *Account) Delete(ctx context.Context) error {
	_, err := a.ask(ctx, http.MethodDelete, "", nil)
	return err
}
