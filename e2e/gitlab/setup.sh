#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs gitlab-ci-local, which runs GitLab's pipelines here, and the Debian
# that the job image is built on. package-lock.json pins the first by checksum,
# and no package runs a script; its Node is that of ../node_modules.
set -eu
cd "$(dirname "$0")"

../../tools/install.sh rsync git
if [ "$(cat node_modules/.installed 2>/dev/null)" != "$(cat package-lock.json)" ]; then
	npm ci --ignore-scripts --no-audit --no-fund
	cp package-lock.json node_modules/.installed
fi
../debian.sh >/dev/null
