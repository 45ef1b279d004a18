#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests here need beyond Go: Debian's packages, and the rest in
# fixed versions in folders that git ignores. A second run does nothing.
#   node_modules/  Node as on GitHub's runner; package-lock.json pins it by
#                  checksum, and no package runs a script
#   gitlab/        gitlab-ci-local, which runs GitLab's pipelines, in the same way
#   bin/           act, which runs workflows, actionlint, which checks them, and
#                  goreleaser, which makes releases
#   venv/          check-jsonschema, spdx-tools and zizmor; requirements.txt pins
#                  them by checksum
#   keycloak/, tekton/programs/, debian.sh: see there; what they make is kept in
#                  ~/.cache/quay-keyless-e2e
# Usage: e2e/setup.sh [node]; node installs only node_modules.
set -eu
cd "$(dirname "$0")"

# node_modules FOLDER installs the packages of its package-lock.json.
node_modules() (
	cd "$1"
	[ "$(cat node_modules/.installed 2>/dev/null)" != "$(cat package-lock.json)" ] || return 0
	npm ci --ignore-scripts --no-audit --no-fund
	cp package-lock.json node_modules/.installed
)

if [ "${1-}" = node ]; then
	node_modules .
	exit
fi

python=python3
venv=
if ! $python -c 'import ensurepip' 2>/dev/null; then
	python=/usr/bin/python3
	venv=no-command:python3-venv
fi
# shellcheck disable=SC2086 # $venv is one word or none
../tools/install.sh curl npm git rsync shellcheck strace setpriv:util-linux groff:groff-base zsh fish \
	/usr/share/bash-completion/bash_completion:bash-completion podman buildah skopeo runc docker:docker.io mmdebstrap \
	rpm java:openjdk-17-jre-headless mvn:maven chromium chromedriver:chromium-driver \
	etcd:etcd-server kubectl:kubernetes-client $venv
node_modules .
node_modules gitlab

# program NAME PACKAGE VERSION installs a Go program in bin/. The go command
# checks the sums of all that it is built from.
program() {
	case $(go version -m "bin/$1" 2>/dev/null) in
	*"	mod	"*"	$3	"*) return ;;
	esac
	GOBIN=$PWD/bin GOFLAGS='' ../tools/again.sh go install "$2@$3"
}

program act github.com/nektos/act v0.2.89
program goreleaser github.com/goreleaser/goreleaser/v2 v2.15.1
program actionlint github.com/rhysd/actionlint/cmd/actionlint v1.7.12

if [ "$(cat venv/installed 2>/dev/null)" != "$(cat requirements.txt)" ]; then
	$python -m venv --clear venv
	venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement requirements.txt
	cp requirements.txt venv/installed
fi

./debian.sh >/dev/null
keycloak/setup.sh >/dev/null
tekton/programs/build.sh
