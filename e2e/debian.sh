#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the Debian on which the tests build the image for GitLab, once for each
# list of packages, and prints the folder of its storage, which tests use as an
# additional image store. Machines without a registry have it from Debian's
# packages alone. It takes 2 minutes; later runs find it in the cache.
set -eu
cd "$(dirname "$0")/.."

# And rsync, with which gitlab-ci-local takes artifacts out of a container.
packages=$(sed -n 's/^ARG PACKAGES="\(.*\)"$/\1/p' Dockerfile | tr ' ' ,),rsync
inputs=$(cat e2e/debian.sh && echo "$packages" && uname -m)
store=${XDG_CACHE_HOME:-$HOME/.cache}/quay-keyless-e2e/debian-$(echo "$inputs" | sha256sum | cut -c1-16)
mkdir -p "$(dirname "$store")"
exec 9>"$store.lock"
flock 9 # tests of several packages run side by side
if [ ! -e "$store/made" ]; then
	rm -rf "$store"
	mkdir -p "$store"
	echo "Making a Debian with $packages, once" >&2
	tools/again.sh mmdebstrap --quiet --variant=apt --include="$packages" bookworm "$store/root.tar"
	run=$(mktemp -d) # podman wants a short path
	podman --root "$store/storage" --runroot "$run" --storage-driver overlay import --quiet "$store/root.tar" localhost/debian >&2
	rm -r "$store/root.tar" "$run"
	touch "$store/made"
fi
echo "$store/storage"
