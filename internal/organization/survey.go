// SPDX-License-Identifier: Apache-2.0

// Package organization shows an organization of Quay as a whole, and keeps it in a file:
// robots, their permissions, their federation entries, and what is wrong with them.
package organization

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"quay-keyless/internal/quay"
)

// Survey is what Quay has for an organization, or for what belongs to one person.
type Survey struct {
	Host         string              `json:"registry"`
	Name         string              `json:"organization"`
	LogSince     time.Time           `json:"log_since,omitzero"` // the usage log was read back to then
	Robots       []Robot             `json:"robots"`
	Repositories []quay.Repository   `json:"repositories"`
	Defaults     []quay.DefaultGrant `json:"default_permissions"`
	Missing      []Missing           `json:"missing"` // what the API token does not show
}

// Robot is a robot account with all that it may do.
type Robot struct {
	quay.Robot   `json:"-"`
	FullName     string           `json:"robot"`
	Description  string           `json:"description,omitempty"`
	LastAccessed time.Time        `json:"last_login,omitzero"` // at the registry
	LastExchange time.Time        `json:"last_exchange,omitzero"`
	Exchanges    int              `json:"exchanges"` // since LogSince
	Grants       []Grant          `json:"permissions"`
	Federation   []describedEntry `json:"federation"` // for JSON
	Entries      quay.Entries     `json:"-"`
}

// Grant is a role on a repository, without the namespace. The repository * means every one.
type Grant struct {
	Repository string    `json:"repository"`
	Role       quay.Role `json:"role"`
	Team       string    `json:"team,omitempty"` // that has the role; "" for the robot itself
}

// Missing is a part that Quay does not show to the API token.
type Missing struct {
	Part  string `json:"part"`
	Scope string `json:"scope"` // that shows it to an administrator
	Err   error  `json:"-"`
}

// Want is the part of an organization that a caller needs.
type Want struct {
	Robots       map[string]bool // short names; nil for all, with teams, default permissions and the log
	Repositories []string        // whose permissions to read in any case, without the namespace
	Extra        bool            // also those of the wanted robots
}

func (w Want) robot(name string) bool { return w.Robots == nil || w.Robots[name] }

const (
	logDays  = 30
	logPages = 50
)

// Read reads an organization. It never asks for passwords. Parts that the API token may not
// see are in Missing; that it may not even list the robots is an error.
func Read(ctx context.Context, api *quay.API, host, name string, now time.Time, want Want) (*Survey, error) {
	r := &reader{api: api, want: want, now: now, survey: &Survey{Host: host, Name: name, Missing: []Missing{}, Robots: []Robot{}}, robots: map[string]*Robot{}}
	defer api.WaitFor(r.progress)()
	listed, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	owner := quay.UnknownOwner
	if want.Robots == nil || len(listed) == 0 { // a superuser also gets the robots of nobody: none
		owner = api.Owner(ctx, name)
	}
	if owner == quay.Nobody {
		return nil, &quay.Refusal{Host: host, Status: http.StatusNotFound, Message: "Not Found", Reason: quay.NoOwner, Owner: owner}
	}
	if want.Robots == nil || len(want.Repositories) > 0 {
		if r.survey.Repositories, err = api.Repositories(ctx, name); err != nil {
			return nil, err
		}
	}
	for _, account := range listed {
		r.robot(account.Name, func(robot *Robot) {
			robot.Description, robot.LastAccessed = account.Description, account.LastAccessed.Time
		})
	}
	tasks, err := r.roles(ctx, listed)
	if err != nil {
		return nil, err
	}
	tasks = append(tasks, r.entries(listed)...)
	if want.Robots == nil {
		tasks = append(tasks, r.log)
		if owner != quay.Person {
			tasks = append(tasks, r.defaults)
			teams, err := r.teams(ctx)
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, teams...)
		}
	}
	if err := each(ctx, r.counted(tasks)); err != nil {
		return nil, err
	}
	r.finish()
	return r.survey, nil
}

// counted are tasks that the progress counts.
func (r *reader) counted(tasks []task) []task {
	r.total.Store(int64(len(tasks)))
	for i, do := range tasks {
		tasks[i] = func(ctx context.Context) error {
			defer r.done.Add(1)
			return do(ctx)
		}
	}
	return tasks
}

// progress is what a person reads who waits for the survey.
func (r *reader) progress() string {
	text := "to show " + r.survey.Name
	if total := r.total.Load(); total > 0 {
		text += fmt.Sprintf(", %d of %d requests done", r.done.Load(), total)
	}
	return text
}

// task is a part of a survey that can be read while others are.
type task = func(context.Context) error

// each runs tasks, at most four at once, and waits for all that it started. The first error
// ends the others. It says more than the end of ctx, which may have caused it.
func each(ctx context.Context, tasks []task) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, 4)
	var running sync.WaitGroup
	var once sync.Once
	var first error
	for _, task := range tasks {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		running.Go(func() {
			defer func() { <-slots }()
			if err := task(ctx); err != nil {
				once.Do(func() { first = err })
				cancel(err)
			}
		})
	}
	running.Wait()
	return cmp.Or(first, context.Cause(ctx))
}
