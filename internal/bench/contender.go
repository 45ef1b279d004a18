// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// contender is one command that is measured in one job.
type contender struct {
	name    string
	command []string
	job     *job
	samples []sample
	helper  string // the home of a job that has our credential helper
}

// sample is what one run took. CPU time and memory are of the command and of those
// that it started and waited for, the memory that of the largest. Linux counts to a
// process what its parent had when it started it: what needs less than this
// program cannot be told.
type sample struct {
	wall, cpu time.Duration
	memory    int64 // bytes, at the peak
}

func newContender(name string, job *job, command []string) *contender {
	return &contender{name: name, job: job, command: command}
}

// become makes it the credential helper of a job that logged in with one.
func (c *contender) become(ctx context.Context, program, folder string) error {
	login := newContender(c.name, c.job, []string{program, "login", "--robot", "acme+ci", "--credential-helper"})
	home, err := os.MkdirTemp(folder, "home-")
	if err != nil {
		return err
	}
	login.helper, c.helper = home, home
	_, err = login.run(ctx, folder)
	return err
}

// run runs it once, in a new home, as a CI job has one.
func (c *contender) run(ctx context.Context, folder string) (sample, error) {
	home := c.helper
	if home == "" {
		var err error
		if home, err = os.MkdirTemp(folder, "home-"); err != nil {
			return sample{}, err
		}
	}
	command := exec.CommandContext(ctx, c.command[0], c.command[1:]...)
	if len(c.command) == 2 && c.command[1] == "get" {
		command.Args[0] = "docker-credential-quay-keyless"
		command.Stdin = strings.NewReader(c.job.registry)
	}
	command.Env = append(slices.Clone(c.job.environment), "HOME="+home, "DOCKER_CONFIG="+home)
	start := time.Now()
	output, err := command.CombinedOutput()
	wall := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", c.name, err, output)
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return sample{wall: wall, cpu: cpu, memory: usage.Maxrss * 1024}, nil
}

func wall(s sample) time.Duration { return s.wall }
func cpu(s sample) time.Duration  { return s.cpu }

// spread is a median with the quartiles around it.
type spread struct{ low, median, high float64 }

func spreadOf(values []float64) spread {
	slices.Sort(values)
	at := func(share float64) float64 { return values[int(share*float64(len(values)-1)+0.5)] }
	return spread{at(0.25), at(0.5), at(0.75)}
}

// milliseconds is the spread of one of its times.
func (c *contender) milliseconds(of func(sample) time.Duration) spread {
	var values []float64
	for _, s := range c.samples {
		values = append(values, milliseconds(of(s)))
	}
	return spreadOf(values)
}

// times is how many times as long it took as another one in the same round.
func (c *contender) times(other *contender, of func(sample) time.Duration) spread {
	var values []float64
	for i, s := range c.samples {
		values = append(values, float64(of(s))/float64(of(other.samples[i])))
	}
	return spreadOf(values)
}

// memory is the most that any run had, in MB.
func (c *contender) memory() float64 {
	largest := slices.MaxFunc(c.samples, func(a, b sample) int { return cmp.Compare(a.memory, b.memory) })
	return float64(largest.memory) / 1e6
}

// least is the shortest of its times, in milliseconds.
func (c *contender) least(of func(sample) time.Duration) float64 {
	shortest := slices.MinFunc(c.samples, func(a, b sample) int { return cmp.Compare(of(a), of(b)) })
	return milliseconds(of(shortest))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
