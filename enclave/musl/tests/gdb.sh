#!/bin/sh
# SPDX-License-Identifier: MIT
# A debugger in an enclave, by the commands that docs/ENCLAVE.md has. usage: gdb.sh SCW-CC SCWATCHER
# Exits 77 (skipped) without gdb, where it may not trace, and where `ninja enclave` wasn't done.
set -eu

scw_cc=$(realpath "$1")
scwatcher=$(realpath "$2")
page=$(realpath "$(dirname "$0")/../../../docs/ENCLAVE.md")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

gdb -nx -batch -ex run --args true 2>&1 | grep -q 'exited normally' || exit 77
printf '#include <stdio.h>\nint main(void) { return puts("inside") < 0; }\n' >hello.c
"$scw_cc" --enclave -g hello.c -o hello 2>message || {
	grep -q 'make enclave' message && exit 77
	cat message >&2
	exit 1
}
openssl genrsa -3 -out key.pem 3072 2>message
"$scwatcher" sign --key key.pem hello hello.image >/dev/null
sed -n '/^### With gdb/,/^### /s/^    (gdb) //p' "$page" >commands
[ -s commands ] || { echo "gdb: no commands in docs/ENCLAVE.md" >&2; exit 1; }
gdb -nx -batch -x commands --args "$scwatcher" run --emulate - -- hello.image >said 2>&1 || true
for line in '^#0 .*puts (' '^#1 .*main () at hello.c:2' '^inside' 'exited normally'; do
	grep -q "$line" said || { echo "gdb: nothing like '$line':" >&2; cat said >&2; exit 1; }
done
