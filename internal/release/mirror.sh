#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the GitLab component's project of the release VERSION, whose source is
# checked out, and pushes it to the project at URL: the tag VERSION, the moving tag
# of the major version (v1), and main, which shows the newest release. The jobs'
# image is IMAGE, by its digest. A second run changes nothing.
# Usage: internal/release/mirror.sh VERSION IMAGE URL
set -eu
version=$1 image=$2 url=$3

. "$(dirname "$0")/newest.sh"

# path of a repository's URL, as in acme/quay-keyless.
path() {
	echo "$1" | sed -E 's|/*$||; s|\.git$||; s|^[a-z+]+://[^/]*/||; s|^[^/]*:||; s|^/*||'
}

if [ "$(git rev-parse HEAD)" != "$(git rev-parse --verify --quiet "refs/tags/$version^")" ]; then
	echo "error: check out the source of $version first: git switch --detach $version^" >&2
	exit 1
fi
commit=$(go run -trimpath -buildvcs=false ./internal/release component \
	-replace "github.com/OWNER/quay-keyless=github.com/$(path "$(git remote get-url origin)")" \
	-replace "quay.io/OWNER/quay-keyless-gitlab:v1=$image" \
	-replace "OWNER/quay-keyless=$(path "$url")" "$version")

# Listed outside of a pipe, which would hide that git could not.
tags=$(git ls-remote "$url" 'refs/tags/v*')
there=$(echo "$tags" | sed -n "s|\s*refs/tags/$version\$||p")
if [ -n "$there" ] && [ "$there" != "$commit" ]; then
	echo "error: the tag $version is there already, on $there, and this release is $commit" >&2
	exit 1
fi
tags="$tags
refs/tags/$version"
set -- "$commit:refs/tags/$version"
major=${version%%.*}
if [ "$(newest "$major")" = "$version" ]; then
	set -- "$@" "+$commit:refs/tags/$major"
fi
if [ "$(newest 'v[0-9]*')" = "$version" ]; then
	set -- "$@" "+$commit:refs/heads/main"
fi
git push --atomic --quiet "$url" "$@"
echo "$commit"
