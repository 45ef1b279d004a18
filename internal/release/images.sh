#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the images of a release from the programs in FOLDER and pushes them,
# with the login that podman and buildah find, and then the Tekton bundle:
#   REPOSITORY:VERSION         the program, for Tekton and Kubernetes, for four CPUs
#   REPOSITORY-gitlab:VERSION  the job image for GitLab, for linux/amd64
#   REPOSITORY-tekton:VERSION  the bundle, which names the first by its digest
# and the same under the major version (v1), but for a candidate. It prints each
# with its digest. A second run pushes what a first one did.
# Usage: internal/release/images.sh VERSION FOLDER REPOSITORY [--build-arg NAME=VALUE ...]
set -eu
version=$1 folder=$2 repository=$3
shift 3

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir "$context/dist"
cp "$folder"/quay-keyless-linux-* "$context/dist"
time=$(git log -1 --format=%ct)

tags=$version
case $version in
*-*) ;;
*) tags="$version ${version%%.*}" ;;
esac

# image TARGET NAME CPUS [ARGUMENT...] builds a target and pushes it. One CPU after
# the other: the order in the index is part of its digest.
image() {
	target=$1 name=$2 cpus=$3
	shift 3
	buildah manifest rm "$name:$version" >/dev/null 2>&1 || true
	for cpu in $cpus; do
		buildah build --quiet --timestamp "$time" --platform "linux/$cpu" --manifest "$name:$version" --target "$target" \
			--build-arg "VERSION=$version" "$@" --file Dockerfile "$context" >&2
	done
	for tag in $tags; do
		buildah manifest push --quiet --all --digestfile "$context/digest" "$name:$version" "docker://$name:$tag" >&2
	done
	echo "$name@$(cat "$context/digest")"
}

program=$(image cli "$repository" "amd64 arm64 s390x ppc64le" "$@")
echo "$program"
image gitlab "$repository-gitlab" amd64 --build-arg "TIME=$time" "$@"
for tag in $tags; do
	bundle=$(go run ./internal/release bundle "$program" "$repository-tekton:$tag")
done
echo "$bundle"
