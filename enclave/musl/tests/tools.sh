#!/bin/sh
# SPDX-License-Identifier: MIT
# Existing tools are built for enclaves, accepted by the signer, and start inside.
# usage: tools.sh ENCLAVE-TOOLS SCW-CC SCWATCHER RUN-IMAGE OUTPUT TOOL...
# Exits 77 (skipped) where `ninja enclave` wasn't done or a source package can't be had.
set -eu

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

echo 'int main(void) { return 0; }' >"$work/none.c"
"$scw_cc" --enclave "$work/none.c" -o "$work/none" 2>"$work/message" || {
	grep -q 'make enclave' "$work/message" && exit 77
	fail "$(cat "$work/message")"
}
"$build" "$scw_cc" "$output" "$@"
openssl genrsa -3 -out "$work/key.pem" 3072 2>/dev/null
for tool in "$@"; do
	# what each says of itself without looking at a guest; netstat and unhide call that a failure
	case $tool in
	lsof) option=-v expected='lsof version' ;;
	ss | pstree | netstat) option=-V expected=. ;;
	busybox) option=true expected= ;;
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
	echo "$tool: $(stat -c %s "$work/image") bytes of image, starts in modes plain and hide"
done
