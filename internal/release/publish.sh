#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Publishes a release that was built: the tag VERSION on the release commit, a
# GitHub release with each file of FOLDER, and the moving tag of the major
# version (v1). Where an earlier run stopped half-way, a second one goes on.
# Usage: internal/release/publish.sh VERSION COMMIT FOLDER
set -eu
version=$1 commit=$2 folder=$3

. "$(dirname "$0")/newest.sh"

# A tag is never moved: what was released under it may be in use.
# Listed outside of a pipe, which would hide that git could not.
there=$(git ls-remote origin "refs/tags/$version")
there=${there%%[!0-9a-f]*}
case $there in
"") git push origin "$commit:refs/tags/$version" ;;
"$commit") ;;
*)
	echo "error: the tag $version is there already, on $there: release under another version" >&2
	exit 1
	;;
esac

tags=$(git ls-remote origin 'refs/tags/v*')
prerelease=false latest=false
case $version in
*-*) prerelease=true ;;
"$(newest 'v[0-9]*')") latest=true ;;
esac

# Everything is in the draft before it is published: then GitHub closes it.
draft=$(gh release list --limit 1000 --json tagName,isDraft --jq ".[] | select(.tagName == \"$version\") | .isDraft")
if [ "$draft" = true ]; then # an earlier run stopped here
	gh release delete "$version" --yes
fi
if [ "$draft" != false ]; then
	gh release create "$version" --draft --verify-tag --title "$version" --generate-notes "--prerelease=$prerelease" "$folder"/*
	gh release edit "$version" --draft=false "--latest=$latest"
fi
immutable=$(gh api "repos/{owner}/{repo}/releases/tags/$version" --jq .immutable)
if [ "$immutable" != true ]; then
	echo "::warning title=release::$version is published, but its files can still be changed: turn on immutable releases in the repository's settings"
fi

# v1 is for those who want fixes by themselves; an older line does not move it.
major=${version%%.*}
if [ "$(newest "$major")" = "$version" ]; then
	git push --force origin "$commit:refs/tags/$major"
fi
