#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command that downloads, and twice more where it fails: the go command asks a
# server once, so that one broken connection would end a test run.
# Usage: tools/again.sh COMMAND [ARGUMENT...]
set -eu
for seconds in 5 20; do
	"$@" && exit
	echo "again in $seconds s: $*" >&2
	sleep "$seconds"
done
exec "$@"
