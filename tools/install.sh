#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages whose commands or files are missing here.
# Usage: tools/install.sh COMMAND[:PACKAGE]|FILE:PACKAGE...
set -eu

missing=
for pair in "$@"; do
	command=${pair%%:*}
	package=${pair#*:}
	command -v "$command" >/dev/null 2>&1 || [ -f "$command" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "The tests need these Debian packages, or what your system calls them:$missing" >&2
	exit 1
fi
echo "Installing Debian packages:$missing" >&2
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -qq
# shellcheck disable=SC2086 # one word per package
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq -o DPkg::Lock::Timeout=600 --no-install-recommends $missing >&2
