#!/bin/sh
# Runs the kubelet with the command of its unit and with the flags that are given, unless
# the program is missing or the command has a credential provider.
unit=/etc/systemd/system/kubelet.service
command=$(sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' "$unit" | sed -n 's/^ExecStart=//p')
case $command in
*--image-credential-provider-config*)
	echo "quay-keyless: the kubelet already has a credential provider" >&2
	set -- ;;
esac
if [ ! -x /var/lib/quay-keyless/bin/quay-keyless ]; then
	echo "quay-keyless: /var/lib/quay-keyless/bin/quay-keyless is missing" >&2
	set --
fi
# The unit's variables are in the environment.
eval "exec ${command#/usr/local/bin/kubenswrapper} \"\$@\""
