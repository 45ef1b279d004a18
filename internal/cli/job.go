// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// job is what a command needs to get a robot token for its target.
type job struct {
	target
	flags   mintFlags
	host    host.Host
	quay    *quay.Client
	idToken *idtoken.Held
	source  idtoken.Source
}

// newJob puts the parts together. Nothing is asked yet.
func (a *app) newJob(flags mintFlags, t target) (*job, error) {
	config, err := trust(flags.caCertificate, a.env.ReadFile)
	if err != nil {
		return nil, &usageError{err: err}
	}
	j := &job{target: t, flags: flags, host: a.host}
	verified := a.env.Transport(config)
	registry := verified
	if !flags.tlsVerify {
		registry = a.env.Transport(unverified(config))
	}
	j.quay = &quay.Client{Registry: t.registry, Endpoint: j.endpoint(a.env, registry)}
	j.source, err = flags.chooseSource(idtoken.Env{
		Getenv:   a.env.Getenv,
		Stdin:    a.env.Stdin,
		ReadFile: a.env.ReadFile,
		Endpoint: j.endpoint(a.env, verified),
	})
	if err != nil {
		return nil, err
	}
	j.idToken = &idtoken.Held{Source: j.source, Audience: flags.audience, Now: j.quay.Now, Got: a.host.Mask}
	j.warnOfChoices()
	return j, nil
}

// unverified is for the registry alone, where the user chose so.
func unverified(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.InsecureSkipVerify = true //nolint:gosec // --tls-verify=false, said in a warning
	return config
}

func (j *job) endpoint(env Env, transport http.RoundTripper) *endpoint.Client {
	client := &endpoint.Client{
		Transport: transport,
		Clock:     env.Clock,
		UserAgent: strings.TrimSpace("quay-keyless/" + env.Version),
		Retrying: func(r endpoint.Retry) {
			j.host.Notice(fmt.Sprintf("%s: %v; trying again in %s (%d of %d)",
				r.Name, r.Err, r.Wait.Round(100*time.Millisecond), r.Attempt, r.Of))
		},
	}
	if j.flags.verbose {
		client.Asked = func(asked endpoint.Attempt) { j.host.Notice(verbosely(asked)) }
	}
	return client
}

// verbosely says what was asked of whom, what came and how long it took.
func verbosely(asked endpoint.Attempt) string {
	came := fmt.Sprintf("HTTP %d", asked.Status)
	if asked.Err != nil {
		came = asked.Err.Error()
	}
	return fmt.Sprintf("asked %s (%s): %s in %s", asked.Name, asked.URL, came, asked.Elapsed.Round(time.Millisecond))
}

// warnOfChoices says what the user's choices mean.
func (j *job) warnOfChoices() {
	if j.registry.PlainHTTP {
		j.host.Warn(host.Message{Text: fmt.Sprintf("http: the ID token and the robot token travel to %s readable for everybody on the way", j.registry.Host)})
	}
	if !j.flags.tlsVerify && !j.registry.PlainHTTP {
		j.host.Warn(host.Message{Text: fmt.Sprintf("the certificate of %s is not verified: anybody on the way can take the login", j.registry.Host)})
	}
}
