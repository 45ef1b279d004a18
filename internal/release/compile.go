// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// target is a system that a release has a program for.
type target struct {
	os, cpu string
	// action is true where the GitHub Action runs: its commit has these programs.
	action bool
}

func (t target) String() string { return t.os + "/" + t.cpu }

// suffix is what a program's name ends with.
func (t target) suffix() string {
	if t.os == "windows" {
		return ".exe"
	}
	return ""
}

// targets are all of them. The action's are those of self-hosted and hosted
// runners whose users asked for Quay; the commit's size limits them.
var targets = []target{
	{os: "linux", cpu: "amd64", action: true},
	{os: "linux", cpu: "arm64", action: true},
	{os: "linux", cpu: "s390x", action: true},
	{os: "linux", cpu: "ppc64le", action: true},
	{os: "darwin", cpu: "arm64", action: true},
	{os: "darwin", cpu: "amd64"},
	{os: "windows", cpu: "amd64"},
}

// chooseTargets reads OS/CPU,...; "" stands for all.
func chooseTargets(list string) ([]target, error) {
	if list == "" {
		return targets, nil
	}
	var chosen []target
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(targets, func(t target) bool { return t.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("a release has no %q, but %v", name, targets)
		}
		chosen = append(chosen, targets[i])
	}
	return chosen, nil
}

// binary is a program that was built.
type binary struct {
	target
	name   string // of its file
	sha256 string // hexadecimal
	info   *buildinfo.BuildInfo
}

// compile builds the program for a target into the folder. What the caller's
// environment, or what `go env -w` wrote, would change in it is set to Go's
// defaults: an empty variable alone would leave the second one its say.
func (s *source) compile(ctx context.Context, t target, folder string) (*binary, error) {
	b := &binary{target: t, name: fmt.Sprintf("quay-keyless-%s-%s%s", t.os, t.cpu, t.suffix())}
	path, err := filepath.Abs(filepath.Join(folder, b.name))
	if err != nil {
		return nil, err
	}
	env := []string{
		"GOENV=off", "CGO_ENABLED=0", "GOOS=" + t.os, "GOARCH=" + t.cpu, "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GOFIPS140=off",
		"GOAMD64=v1", "GOARM64=v8.0", "GOPPC64=power8", "GODEBUG=",
	}
	_, err = s.run(ctx, env, nil, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -buildid= -X main.version="+s.version+" -X main.repository="+s.repository, "-o", path, "./cmd/quay-keyless")
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b.sha256 = digest(content)
	if b.info, err = buildinfo.ReadFile(path); err != nil {
		return nil, err
	}
	return b, os.Chmod(path, 0o755)
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
