#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests here need beyond Go and Debian's packages, each of one
# version, in folders that git ignores: a second run does nothing.
#   node_modules/  Node as on GitHub's runner; package-lock.json pins it by
#                  checksum, and no package runs a script
#   bin/           act, which runs workflows, and actionlint, which checks them
#   venv/          check-jsonschema, spdx-tools and zizmor; requirements.txt pins
#                  them by checksum
#   gitlab/        gitlab-ci-local, which runs GitLab's pipelines
# Usage: e2e/setup.sh [node]; with node, that alone.
set -eu
cd "$(dirname "$0")"

# program NAME PACKAGE VERSION installs a Go program in bin/. The go command
# checks the sums of all that it is built from.
program() {
	case $(go version -m "bin/$1" 2>/dev/null) in
	*"	mod	"*"	$3	"*) return ;;
	esac
	GOBIN=$PWD/bin GOFLAGS='' ../tools/again.sh go install "$2@$3"
}

if [ "$(cat node_modules/.installed 2>/dev/null)" != "$(cat package-lock.json)" ]; then
	npm ci --ignore-scripts --no-audit --no-fund
	cp package-lock.json node_modules/.installed
fi

[ "${1-}" != node ] || exit 0

program act github.com/nektos/act v0.2.89
program actionlint github.com/rhysd/actionlint/cmd/actionlint v1.7.12

if [ "$(cat venv/installed 2>/dev/null)" != "$(cat requirements.txt)" ]; then
	python=python3
	if ! $python -c 'import ensurepip' 2>/dev/null; then
		../tools/install.sh no-command:python3-venv
		python=/usr/bin/python3
	fi
	$python -m venv --clear venv
	venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement requirements.txt
	cp requirements.txt venv/installed
fi

gitlab/setup.sh
