#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails unless the branch of this workflow run may release VERSION. The default
# branch may release every version. A maintenance branch release-vX or
# release-vX.Y may release the versions that begin with its name. Both must be
# protected. GitHub sets GITHUB_REF and GITHUB_REF_PROTECTED; the workflow sets
# DEFAULT_BRANCH.
# Usage: internal/release/branch.sh VERSION
set -eu
version=$1

refuse() {
	echo "::error title=release::$1"
	exit 1
}

case $GITHUB_REF in
"refs/heads/$DEFAULT_BRANCH") ;;
refs/heads/release-v[0-9]*)
	line=${GITHUB_REF#refs/heads/release-}
	case $version in
	"$line".*) ;;
	*) refuse "the branch release-$line releases $line.*, not $version" ;;
	esac
	;;
*) refuse "only $DEFAULT_BRANCH or a branch release-vX can release, not $GITHUB_REF" ;;
esac
[ "$GITHUB_REF_PROTECTED" = true ] || refuse "$GITHUB_REF is not protected: add a branch rule first, see docs/internals/releasing.md"
