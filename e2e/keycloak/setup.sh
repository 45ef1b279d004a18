#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a Keycloak from Maven Central, pinned by checksum and built once, in the
# user's cache. Prints its folder.
set -eu
version=26.7.3
sum=77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47

cache=${XDG_CACHE_HOME:-$HOME/.cache}/quay-keyless-e2e
# What the build is told is part of the name: another one is another Keycloak.
folder=$cache/keycloak-$version-dev-mem
mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9
if [ ! -f "$folder/.built" ]; then
	echo "Getting and building Keycloak $version, once" >&2
	rm -rf "$folder" "$cache/new"
	mkdir "$cache/new"
	archive=keycloak-quarkus-dist-$version.tar.gz
	mvn --quiet --batch-mode dependency:copy -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:tar.gz" \
		-DoutputDirectory="$cache/new" -Dmdep.useBaseVersion=true >&2
	echo "$sum  $cache/new/$archive" | sha256sum --check --quiet >&2
	tar xzf "$cache/new/$archive" -C "$cache/new"
	rm "$cache/new/$archive"
	"$cache/new/keycloak-$version/bin/kc.sh" build --db=dev-mem >&2
	mv "$cache/new/keycloak-$version" "$folder"
	rmdir "$cache/new"
	touch "$folder/.built"
fi
echo "$folder"
