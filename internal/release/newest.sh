# SPDX-License-Identifier: Apache-2.0
# For publish.sh and mirror.sh: newest PREFIX is the highest version without a
# suffix in $tags, which git ls-remote has listed.
# shellcheck shell=sh disable=SC2154
newest() {
	echo "$tags" | sed -n "s|.*refs/tags/\($1\.[0-9]*\.[0-9]*\)\$|\1|p" | sort -V | tail -n 1
}
