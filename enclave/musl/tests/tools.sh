#!/bin/sh
# SPDX-License-Identifier: MIT
# Existing tools are built for enclaves, accepted by the signer, and start inside.
# usage: tools.sh ENCLAVE-TOOLS SCW-CC SCWATCHER RUN-IMAGE OUTPUT TOOL...
# Exits 77 (skipped) where `ninja enclave` wasn't done or a source package can't be had.
set -eu

script=$(dirname "$0")/script.sh
build=$1
scw_cc=$(realpath "$2")
scwatcher=$(realpath "$3")
run_image=$(realpath "$4")
output=$5
shift 5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail()
{
	echo "tools: $*" >&2
	exit 1
}

# Processes, pipes, loops: what a shell makes of the script is what this machine's does.
run_script()
{
	"$scwatcher" sign --key "$work/key.pem" --heap 64M --processes "$output/$1" "$work/busybox" >"$work/message" 2>&1 ||
		fail "$1 isn't accepted with --processes: $(cat "$work/message")"
	for mode in plain hide fault; do
		"$run_image" "$mode" - "$work/busybox" sh -c "$(cat "$script")" script >"$work/said" 2>"$work/message" &&
			fail "the script in mode $mode ended with 0"
		cmp "$work/said" "$work/expected" || fail "$1 in mode $mode said: $(cat "$work/said" "$work/message")"
	done
	# a shell reads byte by byte: nothing that happens inside may take an exit each time
	"$scwatcher" run --enclave --emulate --stats - -- "$work/busybox" sh -c "$(cat "$script")" script >"$work/said" 2>&1 &&
		fail "the script ended with 0"
	entries=$(sed -n 's/^enclave: \([0-9]*\) entries.*/\1/p' "$work/said")
	[ "$entries" -lt 1000 ] || fail "$1 was entered $entries times: $(grep ^enclave "$work/said")"
}

echo 'int main(void) { return 0; }' >"$work/none.c"
"$scw_cc" --enclave "$work/none.c" -o "$work/none" 2>"$work/message" || {
	grep -q 'make enclave' "$work/message" && exit 77
	fail "$(cat "$work/message")"
}
"$build" "$scw_cc" "$output" "$@"
sh -c "$(cat "$script")" script >"$work/expected" && fail "the script ended with 0"
openssl genrsa -3 -out "$work/key.pem" 3072 2>/dev/null
for tool in "$@"; do
	# what each says of itself without looking at a guest; netstat and unhide call that a failure
	case $tool in
	lsof) option=-v expected='lsof version' ;;
	ss | pstree | netstat) option=-V expected=. ;;
	busybox*) option='sh -c :' expected= ;;
	unhide) option=-V expected=Unhide ;;
	*) option=--version expected=procps ;;
	esac
	"$scwatcher" sign --key "$work/key.pem" "$output/$tool" "$work/image" >"$work/message" 2>&1 ||
		fail "$tool isn't accepted: $(cat "$work/message")"
	for mode in plain hide; do
		"$run_image" "$mode" - "$output/$tool" $option >"$work/said" 2>&1 || [ "$tool" = netstat ] || [ "$tool" = unhide ] ||
			fail "$tool $option in mode $mode: status $?, $(tail -n 3 "$work/said")"
		[ -z "$expected" ] || grep -q "$expected" "$work/said" ||
			fail "$tool $option in mode $mode said: $(tail -n 3 "$work/said")"
	done
	case $tool in busybox*) run_script "$tool" ;; esac
	echo "$tool: $(stat -c %s "$work/image") bytes of image, starts in modes plain and hide"
done
