#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the site of docs/ in bin/site. A broken link or anchor is an error.
# The generator is installed in bin/site-venv, pinned by checksum.
set -eu
cd "$(dirname "$0")/../.."
venv=bin/site-venv
if [ "$(cat $venv/installed 2>/dev/null)" != "$(cat tools/site/requirements.txt)" ]; then
	python=python3
	$python -c 'import ensurepip' 2>/dev/null || python=/usr/bin/python3
	$python -m venv --clear $venv
	$venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement tools/site/requirements.txt
	cp tools/site/requirements.txt $venv/installed
fi
NO_MKDOCS_2_WARNING=1 $venv/bin/mkdocs build --strict --config-file tools/site/mkdocs.yml
echo "bin/site/index.html"
