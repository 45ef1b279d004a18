#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds what a cluster for the tests is made of, from the versions in go.mod:
# Kubernetes' API server and kubelet, a runtime for that, the kubelet's plugin code
# as a program, Tekton's controller with the programs that it puts into Pods, and
# its resolver of bundles. They are kept outside of the checkout, by version, so
# that only the first run pays: bin leads there.
set -eu
cd "$(dirname "$0")" # a module of its own: what it builds depends on nothing else here
export CGO_ENABLED=0
go=${GO:-go}
key=$({ cat go.mod go.sum build.sh */*.go; $go version; } | sha256sum | cut -c1-16)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/quay-keyless-e2e/tekton-$key
mkdir -p "$folder"
ln -sfn "$folder" ../bin

../../../tools/again.sh "$go" mod download
kubernetes=$($go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${kubernetes#v1.}
for package in \
	github.com/tektoncd/pipeline/cmd/entrypoint \
	github.com/tektoncd/pipeline/cmd/workingdirinit \
	github.com/tektoncd/pipeline/cmd/controller \
	./resolver \
	k8s.io/kubernetes/cmd/kube-apiserver \
	./keyring \
	./runtime \
	k8s.io/kubernetes/cmd/kubelet; do
	program=$folder/${package##*/}
	[ ! -x "$program" ] || continue
	echo "building $package" >&2
	$go build -o "$program.new" -ldflags "-s -w \
		-X k8s.io/component-base/version.gitVersion=$kubernetes \
		-X k8s.io/component-base/version.gitMajor=1 \
		-X k8s.io/component-base/version.gitMinor=${minor%%.*}" "$package"
	mv "$program.new" "$program"
	sync # etcd, which is next, would wait for the disk
done
