#!/bin/sh
# SPDX-License-Identifier: MIT
# What scw-cc --enclave makes. usage: programs.sh SCW-CC SCWATCHER RUN-IMAGE
# Exits 77 (skipped) where `ninja enclave` wasn't done.
set -eu

scw_cc=$(realpath "$1")
scwatcher=$(realpath "$2")
run_image=$(realpath "$3")
threads=$(realpath "$(dirname "$0")")/threads.c
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail()
{
	echo "programs: $*" >&2
	exit 1
}

cat >hello.c <<'EOT'
#include <pthread.h>
#include <stdio.h>

static void *say(void *what)
{
	puts(what);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, say, "hello"))
		return 1;
	return pthread_join(thread, NULL) ? 1 : 0;
}
EOT
"$scw_cc" --enclave -O2 hello.c -o hello 2>message || {
	grep -q 'make enclave' message && exit 77
	fail "hello: $(cat message)"
}
openssl genrsa -3 -out key.pem 3072 2>message || fail "$(cat message)"
"$scwatcher" sign --key key.pem hello hello.image >/dev/null || fail "hello isn't accepted"
"$scw_cc" --enclave -O2 "$threads" -o threads
for program in hello threads; do
	for mode in plain hide; do
		said=$("$run_image" $mode - $program) || fail "$program in mode $mode: status $?"
		[ "$said" = $program ] || fail "$program in mode $mode said: $said"
	done
done

# Each library that is linked in is a part of its own; nothing of them counts as the program's.
"$scwatcher" inspect hello.image >inspected
for part in runtime calls connection procfs libc libsodium; do
	grep -q "^$part  *[1-9]" inspected || fail "inspect has no part $part"
done
[ "$(sed -n 's/^program  *\([0-9]*\) .*/\1/p' inspected)" -lt 1000 ] || fail "the program's part is too large"

# What configure scripts and Makefiles say of linking doesn't matter; two steps are as good as one.
"$scw_cc" -c hello.c -o hello.o --enclave -fno-pie
"$scw_cc" --enclave -static -Wl,-z,relro,-z,now hello.o -o hello.2 -pthread -lm -ldl -lrt
"$scwatcher" sign --key key.pem hello.2 hello.image >/dev/null || fail "hello in two steps"

# Older sources for glibc, and what configure scripts make of a malloc() that they can't try.
cat >old.c <<'EOT'
#include <sys/file.h>
#include <utmpx.h>

int main(void)
{
	char host[__UT_HOSTSIZE] = "";

	return undeclared(O_RDONLY) + host[0];
}
EOT
cat >other.c <<'EOT'
#include <stddef.h>

void *rpl_malloc(size_t size);

int undeclared(int x)
{
	return !rpl_malloc(0) + x;
}
EOT
"$scw_cc" --enclave old.c other.c -o old 2>message || fail "old: $(cat message)"
"$scwatcher" sign --key key.pem old old.image >/dev/null || fail "old isn't accepted"
"$run_image" plain - old || fail "old: status $?"
"$scw_cc" --enclave -shared -fPIC other.c -o other.so 2>message && fail "a shared library was made"
grep -q -- "--disable-shared" message || fail "message: $(cat message)"

# A program that dies doesn't do so without a word.
printf 'int main(void) { volatile char large[1 << 20]; large[0] = 0; return large[0]; }\n' >large.c
"$scw_cc" --enclave large.c -o large
"$scwatcher" sign --key key.pem large large.image >/dev/null || fail "large isn't accepted"
status=0
"$scwatcher" run --emulate - -- large.image 2>message || status=$?
[ $status -eq 139 ] && grep -q "large.image: .*Segmentation fault.*--stack" message || fail "large: $status, $(cat message)"
"$scwatcher" sign --key key.pem --stack 2M large large.image >/dev/null || fail "large isn't accepted"
"$scwatcher" run --emulate - -- large.image 2>message || fail "large: status $?, $(cat message)"

# Closed streams aren't what happens to be opened first.
printf '#include <unistd.h>\nint main(void) { return write(1, "x", 1) >= 0; }\n' >closed.c
"$scw_cc" --enclave closed.c -o closed
"$scwatcher" sign --key key.pem closed closed.image >/dev/null || fail "closed isn't accepted"
"$scwatcher" run --emulate - -- closed.image >&- 2>message || fail "closed: output went somewhere, $(cat message)"

# All of the C library, crypto and core in one program: the signer finds no instruction that it refuses.
printf '#include <stdio.h>\nint main(void) { return puts("all") < 0; }\n' >all.c
for library in c sodium scwatcher-enclave; do
	"$scw_cc" --enclave all.c -Wl,--whole-archive "-l$library" -Wl,--no-whole-archive -o all
	"$scwatcher" sign --key key.pem all all.image >/dev/null || fail "lib$library isn't accepted"
done

# The search does find one.
printf 'int main(void) { __asm__ volatile("syscall"); return 0; }\n' >bad.c
"$scw_cc" --enclave bad.c -o bad
"$scwatcher" sign --key key.pem bad bad.image 2>message && fail "a syscall instruction was accepted"
grep -q "syscall.* in main" message || fail "message: $(cat message)"

# Nothing of this machine's C library or of its headers.
printf '#include <gnu/libc-version.h>\n' >glibc.c
"$scw_cc" --enclave -E glibc.c >/dev/null 2>&1 && fail "a header of glibc was found"
"$scw_cc" --enclave -print-search-dirs >/dev/null || fail "-print-search-dirs"
"$scw_cc" --enclave --version | grep -q musl || fail "--version"
exit 0
