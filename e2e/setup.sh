#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests here need beyond Go and Debian's buildah, podman,
# runc and skopeo: the Node version that GitHub's runner has, in node_modules.
# package-lock.json pins it by checksum, and no package runs a script.
set -eu
cd "$(dirname "$0")"
if [ "$(cat node_modules/.installed 2>/dev/null)" = "$(cat package-lock.json)" ]; then
	exit 0
fi
npm ci --ignore-scripts --no-audit --no-fund
cp package-lock.json node_modules/.installed
