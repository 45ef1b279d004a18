#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the files of a release in FOLDER, which must not exist: programs, SBOMs,
# archives, packages, a Homebrew formula and checksums.txt. goreleaser makes them in
# dist.out from .goreleaser.yaml and from dist.in, which has what only our own code
# can make.
# Usage: internal/release/build.sh VERSION FOLDER [OWNER/NAME]
set -eu
version=$1
export REPOSITORY="${3:-OWNER/quay-keyless}" GORELEASER_CURRENT_TAG="$version"
umask 022
case $REPOSITORY in
*[!A-Za-z0-9_./-]* | */*/* | */ | /*)
	echo "error: $REPOSITORY is not OWNER/NAME" >&2
	exit 1
	;;
esac
root=$PWD
trap 'rm -rf "$root/dist.in" "$root/dist.out"' EXIT
rm -rf dist.in dist.out
mkdir "$2" dist.in
folder=$(cd "$2" && pwd)
GOOS='' GOARCH='' GOFLAGS='' go build -o dist.in/release ./internal/release
dist.in/release documents "$version" dist.in
goreleaser release --clean --skip=publish,announce,validate
cd dist.out
for program in *_*/bin/quay-keyless *_*/quay-keyless.exe; do # as in windows_windows_amd64_v1
	target=${program#*_}
	target=${target%%/*}
	cpu=${target#*_}
	suffix=${program##*quay-keyless}
	cp "$program" "quay-keyless-${target%%_*}-${cpu%%_*}$suffix"
done
mv homebrew/quay-keyless.rb .
sha256sum quay-keyless.rb >>checksums.txt
sed 's/^[0-9a-f]*  //' checksums.txt | while read -r name; do cp "$name" "$folder/"; done
cp checksums.txt "$folder/"
