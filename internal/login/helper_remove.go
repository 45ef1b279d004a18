// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/process"
)

// setWithoutHelper writes the logins themselves. If an earlier login of ours had put a
// helper there, it removes that one's settings.
func setWithoutHelper(ctx context.Context, run *process.Run, files AuthFiles, logins []RobotToken, back *rollback) error {
	helped := files.helped(logins) // cannot be known after the write
	if err := set(ctx, run, files, logins, back); err != nil {
		return err
	}
	ctx, cancel := toTheEnd(ctx)
	defer cancel()
	for i, file := range files {
		if err := forgetHelper(ctx, run, file, helped[i]...); err != nil {
			return err
		}
	}
	return nil
}

// helped are, for each file, the hosts that use our helper.
func (files AuthFiles) helped(logins []RobotToken) [][]string {
	helped := make([][]string, len(files))
	for i, file := range files {
		for _, login := range logins {
			host := login.Registry.Host
			if _, ours, err := file.Helper(host); err == nil && ours {
				helped[i] = append(helped[i], host)
			}
		}
	}
	return helped
}

// forgetHelper removes settings and programs that no login needs. Failures are warnings,
// because the login or logout has succeeded; settings of another user are an error.
func forgetHelper(ctx context.Context, run *process.Run, file AuthFile, hosts ...string) error {
	if len(hosts) == 0 {
		return nil
	}
	err := forget(ctx, run, file, hosts)
	var refused *ownfile.Error
	if errors.As(err, &refused) {
		return err
	}
	if err != nil {
		warn(run, err)
	}
	return nil
}

func forget(ctx context.Context, run *process.Run, file AuthFile, hosts []string) error {
	needed := func(host string) bool { // also by a later login
		_, ours, err := file.Helper(host)
		return ours || err != nil || file.HelperBeside(host)
	}
	programs, err := credhelper.Beside(file.Path(), run.Env.Trust).Remove(ctx, needed, hosts...)
	errs := []error{err}
	for _, program := range programs {
		errs = append(errs, program.Remove())
	}
	return errors.Join(errs...)
}

// forgettable are the hosts whose settings no helper needs after a logout.
func forgettable(outcomes []authfile.Outcome) []string {
	var hosts []string
	for _, outcome := range outcomes {
		if outcome.Result != authfile.Unknown && outcome.Result != authfile.Held {
			hosts = append(hosts, outcome.Key)
		}
	}
	return hosts
}
