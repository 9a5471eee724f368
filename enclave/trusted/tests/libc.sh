#!/bin/sh
# SPDX-License-Identifier: MIT
# Threads and signals of the enclaves' C library, in each mode of the emulation; signals from outside.
# usage: libc.sh SCW-CC SCWATCHER RUN-IMAGE RUNS MODE...
# Exits 77 (skipped) where `ninja enclave` wasn't done.
set -eu

scw_cc=$(realpath "$1")
scwatcher=$(realpath "$2")
run_image=$(realpath "$3")
runs=$4
shift 4
sources=$(realpath "$(dirname "$0")")/libc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail()
{
	echo "libc: $*" >&2
	cat output message >&2
	exit 1
}

openssl genrsa -3 -out key.pem 3072 2>message
for program in heavy handlers; do
	"$scw_cc" --enclave -O2 "$sources/$program.c" -o $program 2>message || {
		grep -q 'make enclave' message && exit 77
		cat message >&2
		exit 1
	}
	"$scwatcher" sign --key key.pem --heap 16M --threads 8 $program $program.image >/dev/null
done

for mode in "$@"; do
	good=0 small=
	case $mode in *step*) small=small ;; esac
	while [ $good -lt "$runs" ]; do
		"$run_image" "$mode" - heavy.image $small >output 2>message || fail "$mode: heavy: status $?"
		[ "$(cat output)" = "heavy: done" ] || fail "$mode: heavy: output"
		good=$((good + 1))
	done
	echo "libc: $mode: heavy $good of $runs"
	"$run_image" "$mode" - handlers.image >output 2>message || fail "$mode: handlers: status $?"
	[ "$(cat output)" = "handlers: done" ] || fail "$mode: handlers: output"
done

# What a terminal and kill(1) do: a handler inside; none, and the program dies of it; abort().
outside()
{
	: >output
	"$run_image" plain - handlers.image "$1" >output 2>message &
	pid=$!
	until grep -q ready output; do
		kill -0 $pid 2>/dev/null || fail "$1: it ended at once"
		sleep 0.1
	done
	kill "-$2" $pid
	status=0
	wait $pid || status=$?
	[ $status = "$3" ] || fail "$1: status $status"
}
outside interrupted USR2 3
outside killed TERM 143

# One that computes and never looks: the first signal waits, a later one ends it.
: >output
"$run_image" plain - handlers.image compute >output 2>message &
pid=$!
until grep -q ready output; do
	kill -0 $pid 2>/dev/null || fail "compute: it ended at once"
	sleep 0.1
done
kill -TERM $pid
sleep 0.5
kill -0 $pid 2>/dev/null || fail "compute: the first signal ended it"
tries=0
while kill -TERM $pid 2>/dev/null && [ $tries -lt 100 ]; do
	sleep 0.3
	tries=$((tries + 1))
done
[ $tries -lt 100 ] || kill -KILL $pid
status=0
wait $pid || status=$?
[ $status = 143 ] || fail "compute: status $status"

status=0
"$run_image" plain - handlers.image abort >output 2>message || status=$?
[ $status = 134 ] || fail "abort: status $status"
exit 0
