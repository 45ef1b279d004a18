#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the images of a release from the programs in FOLDER and pushes them,
# with the login that podman and buildah find, and then the Tekton bundle:
#   REPOSITORY:VERSION         the program, for Tekton and Kubernetes, for four CPUs
#   REPOSITORY-gitlab:VERSION  the job image for GitLab, for linux/amd64
#   REPOSITORY-tekton:VERSION  the bundle, which names the first by its digest
# and the same under the major version (v1), but for a candidate. It prints each
# with its digest. A second run pushes what a first one did. The base images are
# those of bases.Dockerfile, by digest; a --build-arg replaces one.
# Usage: internal/release/images.sh VERSION FOLDER REPOSITORY [--build-arg NAME=VALUE ...]
set -eu
version=$1 folder=$2 repository=$3
shift 3

# base STAGE prints the base image with its digest and without its tag: older
# versions of buildah reject both together.
base() {
	image=$(sed -n "s|^FROM \(.*\):[^:/]*\(@sha256:[0-9a-f]\{64\}\) AS $1\$|\1\2|p" internal/release/bases.Dockerfile)
	if [ -z "$image" ]; then
		echo "error: internal/release/bases.Dockerfile has no digest for $1" >&2
		exit 1
	fi
	echo "$image"
}
certificates=$(base certificates)
debian=$(base debian)
set -- --build-arg "CERTIFICATES=$certificates" --build-arg "DEBIAN=$debian" "$@"

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
