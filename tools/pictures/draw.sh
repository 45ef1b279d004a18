#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Draws what an older version of the program and this one say in a terminal, for ten errors
# and the help, into a folder: before-NAME.svg and after-NAME.svg.
# Usage: tools/pictures/draw.sh COMMIT FOLDER
set -eu
commit=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'test -z "${sandbox-}" || kill "$sandbox"; git worktree remove --force "$work/before" 2>/dev/null; rm -rf "$work"' EXIT

git worktree add --quiet --detach "$work/before" "$commit"
(cd "$work/before" && go build -o "$work/before-program" ./cmd/quay-keyless)
go build -o "$work/after-program" ./cmd/quay-keyless
go build -o "$work/sandbox" ./cmd/quay-sandbox
"$work/sandbox" -config tools/pictures/sandbox.yaml >"$work/env" 2>"$work/log" &
sandbox=$!
until grep -q REQUEST_TOKEN= "$work/env"; do sleep 0.1; done
. "$work/env"
host=$QUAY_REGISTRY issuer=https://$QUAY_REGISTRY/issuers/github
unset QUAY_REGISTRY QUAY_ROBOT QUAY_API_TOKEN

# The name of a picture, and what the job types, with the sandbox as quay.example.com.
while IFS='|' read -r name command; do
	for version in before after; do
		home=$work/home-$version
		mkdir -p "$home"
		{
			printf '$ %s\n' "$command"
			real=$(printf '%s' "$command" | sed "s|quay.example.com|$host|g; s|quay-keyless|$work/$version-program|")
			HOME=$home sh -c "$real" 2>&1 || true
		} | sed "s|$issuer|https://token.actions.githubusercontent.com|g; s|$host|quay.example.com|g; s|$work/$version-program|quay-keyless|g; s|$home|/home/ci|g" >"$folder/$version-$name.txt"
	done
done <tools/pictures/commands
go test ./cmd/quay-keyless -count=1 -run '^TestPictures$' -args -draw "$folder"
