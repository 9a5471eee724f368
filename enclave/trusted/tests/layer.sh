#!/bin/sh
# SPDX-License-Identifier: MIT
# A program of the enclaves' C library makes calls on files inside, in each mode of the emulation.
# usage: layer.sh SCW-CC RUN-IMAGE PROGRAM.C   Exits 77 (skipped) where `ninja enclave` wasn't done.
set -eu

scw_cc=$(realpath "$1")
run_image=$(realpath "$2")
program=$(realpath "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$scw_cc" --enclave -O2 "$program" -o layer 2>message || {
	grep -q 'make enclave' message && exit 77
	cat message >&2
	exit 1
}
printf 'scwatcher-enclave 1\nargument=layer\nargument=measured\nenvironment=TERM\nenvironment=A=b\nfile=5 /etc/hello\n\nworld' >config
for mode in plain hide fault; do
	status=0
	echo "some input" | TERM=dumb LD_PRELOAD= SECRET=x "$run_image" $mode config layer outside >output 2>message ||
		status=$?
	if [ $status != 3 ] || [ "$(cat output)" != "some input
layer: done" ]; then
		echo "layer: $mode: status $status" >&2
		cat output message >&2
		exit 1
	fi
done
