#!/bin/sh
# SPDX-License-Identifier: MIT
# A program in an enclave runs another one of its image, in each mode of the emulation; what isn't in it ends the run.
# usage: spawn.sh SCW-CC SCWATCHER RUN-IMAGE FOLDER   Exits 77 (skipped) where `make enclave` wasn't done.
set -eu

scw_cc=$(realpath "$1")
scwatcher=$(realpath "$2")
run_image=$(realpath "$3")
programs=$(realpath "$4")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail()
{
	echo "spawn: $*" >&2
	exit 1
}

for name in spawn forks other; do
	"$scw_cc" --enclave -O2 -pthread "$programs/$name.c" -o $name.elf 2>message || {
		grep -q 'make enclave' message && exit 77
		fail "$(cat message)"
	}
done
openssl genrsa -3 -out key.pem 3072 2>/dev/null
echo word >word
"$scwatcher" sign --key key.pem --heap 16M --file word=/etc/word --program other.elf=/bin/other --program other.elf=/bin/second spawn.elf spawn >said ||
	fail "$(cat said)"
grep -q '^runs: *  */bin/other$' said && grep -q '^  */bin/second$' said || fail "inspect doesn't tell: $(cat said)"
"$scwatcher" sign --key key.pem --heap 64M --processes --program other.elf=/bin/other --program other.elf=/bin/sh forks.elf forks >said ||
	fail "$(cat said)"
for mode in plain hide fault; do
	"$run_image" $mode - forks >output 2>&1 || fail "forks: $mode: status $?: $(cat output)"
	grep -q '^buffered, buffered, forks: done$' output || fail "forks: $mode: $(cat output)"
	"$run_image" $mode - spawn >output 2>&1 || fail "$mode: status $?: $(cat output)"
	grep -q '^spawn: done$' output && grep -q "^sh: can't open /etc/absent: No such file" output || fail "$mode: $(cat output)"
done
# results without what was asked for would be wrong ones
for wish in fork absent 'other | absent' 'other; other' 'other $HOME' /bin/absent; do
	status=0
	"$run_image" plain - spawn "$wish" >output 2>&1 || status=$?
	[ $status = 126 ] && grep -q 'scwatcher: stopped: ' output && ! grep -q '^other' output || fail "$wish: status $status: $(cat output)"
done
