// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var (
	faultTargets = []string{Exchange, Ping, Auth, IDToken, Discovery, JWKS, API, GitHubAPI}
	faultKinds   = []string{Slow, Status, Reset, ResetInside, Truncated, HTML, Empty, Endless, Redirect, ForeignRobot, NoJWT}
)

// ParseFault reads a fault in the form of the flag --fault:
// TARGET=KIND[,times=N][,status=N][,retry-after=S][,location=URL][,content-type=T][,body=TEXT],
// KIND may also be the status itself (exchange=503,times=2). A body comes last
// and may contain commas.
func ParseFault(text string) (Fault, error) {
	target, rest, _ := strings.Cut(text, "=")
	kind, rest, _ := strings.Cut(rest, ",")
	f := Fault{Target: target, Kind: kind, Header: map[string]string{}}
	if status, err := strconv.Atoi(kind); err == nil {
		f.Kind, f.Status = Status, status
	}
	for rest != "" {
		var key, value string
		key, rest, _ = strings.Cut(rest, "=")
		if key == "body" {
			value, rest = rest, ""
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		if err := f.set(key, value); err != nil {
			return Fault{}, fmt.Errorf("fault %q: %w", text, err)
		}
	}
	return f, f.validate()
}

func (f *Fault) set(key, value string) (err error) {
	switch key {
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "status":
		f.Status, err = strconv.Atoi(value)
	case "retry-after":
		f.Header["Retry-After"] = value
	case "location":
		f.Location = value
	case "content-type":
		f.ContentType = value
	case "body":
		f.Body = value
	default:
		err = fmt.Errorf("unknown setting %q", key)
	}
	return err
}

func (f Fault) validate() error {
	switch {
	case !slices.Contains(faultTargets, f.Target):
		return fmt.Errorf("fault: target %q is none of %s", f.Target, strings.Join(faultTargets, ", "))
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("fault: kind %q is no status and none of %s", f.Kind, strings.Join(faultKinds, ", "))
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("fault: status %d", f.Status)
	case f.Times < 0:
		return fmt.Errorf("fault: times=%d", f.Times)
	}
	return nil
}
