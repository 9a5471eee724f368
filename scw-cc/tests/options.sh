#!/bin/sh
# SPDX-License-Identifier: MIT
# What scw-cc does with its options, without a VM. usage: options.sh SCW-CC PROCLIST.C
set -eu

scw_cc=$1
example=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail()
{
	echo "options: $*" >&2
	exit 1
}

"$scw_cc" --help | grep -q '^usage: scw-cc' || fail "--help"
"$scw_cc" --version | grep -qi clang || fail "--version is clang's"

# A monitor: two steps or one, and what it says when there is no such VM.
"$scw_cc" --guest -c "$example" -o proclist.o
"$scw_cc" --guest proclist.o -o proclist
./proclist no-such-vm 2>message && fail "a VM that doesn't exist was listed"
grep -q '^proclist: .*no-such-vm' message || fail "message: $(cat message)"
"$scw_cc" --guest -O0 "$example" -o proclist.0

# A tool of two objects, with a definition of its own and options that take a value.
cat >main.c <<'EOF'
#include <stdio.h>

int first_line(const char *path, char *line, int size);

int main(int argc, char **argv)
{
	char line[256];

	(void)argc;
	if (first_line(argv[1], line, sizeof(line)))
		return 1;
	fputs(line, stdout);
	return 0;
}
EOF
cat >lines.c <<'EOF'
#include <stdio.h>
#include NAME

int first_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "r");
	int bad = !f || !fgets(line, size, f);

	if (f)
		fclose(f);
	return bad;
}
EOF
: >-odd.h
"$scw_cc" -D 'NAME="-odd.h"' -I . -O2 -c lines.c -o lines.o
nm lines.o | grep -q 'U scw_fopen' || fail "fopen wasn't replaced"
nm lines.o | grep -q 'U fopen' && fail "fopen is still there"
"$scw_cc" -O2 main.c lines.o -o tool
echo "what the file holds" >file
[ "$(./tool file)" = "what the file holds" ] || fail "an ordinary file"
[ "$(./tool /proc/self/comm)" = tool ] || fail "our own /proc, without a VM"
SCWATCHER_VM=no-such-vm ./tool file | grep -q holds || fail "files of the host's, with a VM named"
SCWATCHER_VM=no-such-vm ./tool /proc/version 2>message && fail "the host's /proc was shown"

# What other containers need to run it; Gramine fills in what is in braces.
container=$(dirname "$example")/../scripts/container-config
"$container" gramine tool >manifest
python3 - manifest <<'EOF' || fail "the manifest: $(cat manifest)"
import re, sys, tomllib
text = re.sub(r"\{\{.*?'false' *\}\}", "false", open(sys.argv[1]).read())
manifest = tomllib.loads(re.sub(r"\{\{.*?\}\}", "FILLED", text))
assert manifest["libos"]["entrypoint"] == "/tool"
assert manifest["loader"]["env"]["SCWATCHER_SEALED"] == "pread"
assert "file:tool" in manifest["sgx"]["trusted_files"]
EOF
"$container" scone tool -x >session
grep -q 'command: "/tool -x"' session || fail "the session: $(cat session)"
"$container" gramine /bin/true >message 2>&1 && fail "a manifest for a program without the door"

# Preprocessing, dependencies, libraries: nothing of ours is linked.
"$scw_cc" -DNAME='"-odd.h"' -I. -E lines.c | grep -q first_line || fail "-E"
"$scw_cc" -DNAME='"-odd.h"' -I. -MM lines.c | grep -q odd.h || fail "-MM"
"$scw_cc" -fPIC -shared main.c -o libmain.so
nm libmain.so | grep -q scw_ && fail "a shared library has the door in it"

echo "int f(int __attribute__((address_space(1))) *p) { return *p; }" >bad.c
"$scw_cc" --guest -c bad.c -o bad.o || fail "guest code without the header"
echo "options: all as it should be"
