#!/bin/sh
# SPDX-License-Identifier: MIT
# Sealed output by command: keys, printing, and streams that were tampered with.
# usage: test_open.sh SCWATCHER SEAL (which seals standard input for a public key: seal.c)
set -eu

scwatcher=$(realpath "$1")
seal=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail()
{
	echo "open: $*" >&2
	cat message >&2 || true
	exit 1
}

# refused STATUS WORDS: standard input isn't opened, for that reason
refused()
{
	status=0
	"$scwatcher" open --key me.key >out 2>message || status=$?
	[ "$status" -eq "$1" ] || fail "status $status instead of $1"
	grep -q "$2" message || fail "message isn't \"$2\""
}

"$scwatcher" keys output --new me.key >shown || fail "keys output"
grep -q "output-secret" shown || fail "keys output says $(cat shown)"
"$scwatcher" keys show me.pub >shown || fail "keys show"
grep -q "output-public" shown || fail "keys show says $(cat shown)"
[ "$(stat -c %a me.key)" = 600 ] || fail "others may read the key"
"$scwatcher" keys output --new me.key 2>message && fail "a key was overwritten"
public=$(sed -n 's/^output-public //p' me.pub)

seq 1 20000 >text
"$seal" "$public" <text >stream
grep -q 19999 stream && fail "the stream isn't sealed"
"$scwatcher" open --key me.key <stream >out 2>message || fail "not opened"
cmp out text || fail "another text came out"
grep -q "nothing proves who wrote this" message || fail "it isn't said that nobody vouches for it"
"$scwatcher" open --key me.key stream >out 2>message || fail "a file isn't opened"
cmp out text || fail "another text came out of a file"

# The evidence of an emulated enclave whose MRENCLAVE is 77...
enclave=$(printf '77%.0s' $(seq 32))
"$seal" "$public" evidence <text >proved
"$scwatcher" open --key me.key --insecure-accept-emulated --mrenclave "$enclave" <proved >out 2>message ||
	fail "not opened with evidence"
cmp out text || fail "another text came out with evidence"
grep -q "written by enclave 7777.*emulated" message || fail "who wrote it isn't said"
"$scwatcher" open --key me.key --insecure-accept-emulated --mrenclave "$public" <proved >out 2>message &&
	fail "another enclave's was opened"
[ ! -s out ] || fail "something of another enclave's was printed"
"$scwatcher" open --key me.key --mrenclave "$enclave" <proved >out 2>message && fail "emulated was believed"
grep -q "device" message && fail "it speaks of a memory device: $(cat message)"
grep -q "insecure-accept-emulated" message || fail "why emulated isn't believed"
"$scwatcher" open --key me.key --insecure-accept-emulated --mrenclave "$enclave" <stream 2>message >out &&
	fail "opened without evidence"
grep -q "no evidence" message || fail "that there is no evidence isn't said"
# one run's evidence on another's box
"$seal" "$public" evidence <text >other
{ head -c 16 proved; tail -c +17 other | head -c 80; tail -c +97 proved; } >mixed
"$scwatcher" open --key me.key --insecure-accept-emulated --mrenclave "$enclave" <mixed >out 2>message &&
	fail "mixed heads were opened"

head -c -1 stream | { refused 1 "without its end"; }
head -c 5000 stream | { refused 1 "without its end"; }
head -c 50 stream | { refused 1 "without its end"; }
: | { refused 1 "without its end"; }
{ cat stream; printf x; } | { refused 1 "follows the end"; }
{ cat stream stream; } | { refused 1 "follows the end"; }
refused 6 "not a stream" <text
{ head -c 8000 stream; printf '\377'; tail -c +8002 stream; } | { refused 1 "altered"; }
"$scwatcher" keys output --new other.key >/dev/null
mv other.key me.key
refused 1 "isn't for this key" <stream
chmod 644 me.key
refused 4 "others may open it" <stream
"$scwatcher" open <stream 2>message && fail "opened without a key"
exit 0
