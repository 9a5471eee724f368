#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Twenty strings planted in a guest, read by a program in an enclave with sealed output: none of them may be in anything
that the host sees. With output that isn't sealed the same look finds them; so it can.

usage: enclave_leak.py BUILD SCW-CC TAP

Exit status 77 (skipped) where enclaves can't be built (`ninja enclave`) or no guest can be booted.
"""
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

BUILD, SCW_CC, TAP = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
TOP = pathlib.Path(__file__).resolve().parents[1]
SCWATCHER = BUILD / "cli" / "scwatcher"
NAME = f"leak-{os.getpid()}"

PROGRAM = r"""
#include <dirent.h>
#include <stdio.h>
#include <string.h>

static void show(const char *pid, const char *file)
{
	char path[300], text[4096];
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	f = fopen(path, "r");
	if (!f)
		return;
	while ((size = fread(text, 1, sizeof(text), f)) > 0)
		fwrite(text, 1, size, stdout);
	putchar('\n');
	fclose(f);
}

int main(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		show(e->d_name, "comm");
		show(e->d_name, "cmdline");
		show(e->d_name, "environ");
	}
	show("net", "tcp");
	return !d;
}
"""


def run(*words, **options):
    return subprocess.run([str(w) for w in words], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options)


def must(*words, **options):
    done = run(*words, **options)
    if done.returncode:
        raise SystemExit(f"leak: {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout


def skip(why):
    print("leak: skipped:", why)
    sys.exit(77)


def plant():
    """Twenty strings: names of processes, arguments, environment, addresses. Each as it lies in the guest or is shown."""
    letters = random.Random(4)

    def word(size):
        return "".join(letters.choice("bcdfghjkmnpqrstvwxz") for _ in range(size))

    names, arguments, variables = ([word(13) for _ in range(6)], [word(20) for _ in range(6)],
                                   [word(20) for _ in range(5)])
    for name, argument, variable in zip(names, arguments, variables + [word(20)]):
        must(TOP / "guests/exec", NAME, "--", "bash", "-c",
             f"cp $(command -v sleep) /tmp/{name}; export SECRET_OF_OURS={variable}; "
             f"(exec -a {argument} /tmp/{name} 100000 </dev/null >/dev/null 2>&1 &)")
    table = must(TOP / "guests/exec", NAME, "--", "cat", "/proc/net/tcp")
    addresses = sorted(set(re.findall(r"[0-9A-F]{8}:[0-9A-F]{4}", table)))
    return names + arguments + variables + [a for a in addresses if not a.startswith("00000000")][:3]


def build(folder, source, name, *options):
    (folder / f"{name}.c").write_text(source)
    done = run(SCW_CC, "--enclave", "-O2", folder / f"{name}.c", "-o", folder / f"{name}.elf")
    if done.returncode:
        skip("no C library for enclaves: ninja enclave") if "ninja enclave" in done.stderr or \
            "make enclave" in done.stderr else None
        raise SystemExit("leak: " + done.stderr)
    return must(SCWATCHER, "sign", "--key", folder / "sign.pem", "--heap", "128M", "--device-key",
                folder / "device.pub", *options, folder / f"{name}.elf", folder / f"{name}.image")


def main():
    with tempfile.TemporaryDirectory(prefix="scwatcher-leak-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        must("openssl", "genrsa", "-3", "-out", folder / "sign.pem", "3072")
        must(SCWATCHER, "keys", "device", "--new", folder / "device.key")
        must(SCWATCHER, "keys", "output", "--new", folder / "me.key")
        build(folder, PROGRAM, "open")
        text = build(folder, PROGRAM, "sealed", "--seal-output", folder / "me.pub")
        signer = re.search(r"MRSIGNER: *([0-9a-f]{64})", text)[1]
        mrenclave = re.search(r"MRENCLAVE: *([0-9a-f]{64})", text)[1]
        (folder / "policy.conf").write_text(
            f'identities = ( {{ name = "leak"; type = "sgx-emulated"; mrsigner = "{signer}"; '
            'product = 0; minimum_version = 0; vms = [ "*" ]; } );\n')
        (folder / "d.conf").write_text("")
        must(TOP / "guests/boot", "--kernel", "6.1", "--scenario", "stock", "--name", NAME)
        device = subprocess.Popen(
            [BUILD / "memdev/daemon/scwatcherd", "--config", folder / "d.conf", "--socket", folder / "socket",
             "--control", folder / "control", "--key", folder / "device.key", "--policy",
             folder / "policy.conf", "--user", "nobody", "--insecure-accept-emulated"],
            stderr=open(folder / "log", "w"))
        try:
            for _ in range(600):
                if (folder / "socket").exists() or device.poll() is not None:
                    break
                time.sleep(0.05)
            return check(folder, plant(), mrenclave)
        finally:
            device.terminate()
            device.wait()
            run(TOP / "guests/stop", NAME)


def tapped(folder, image):
    with open(folder / "out", "wb") as out:
        done = subprocess.run([TAP, folder / "socket", NAME, folder / "needles", folder / image], check=False,
                              stdout=out, stderr=subprocess.PIPE)
    return done.returncode, done.stderr.decode(errors="replace"), (folder / "out").read_bytes()


def verdict(said):
    """The last line of the tap's; before it may come a sealed stream."""
    return said[said.rfind("tap:"):].strip() if "tap:" in said else said[-200:]


def check(folder, strings, mrenclave):
    (folder / "needles").write_text("\n".join(strings) + "\n")
    code, said, out = tapped(folder, "open.image")
    print("leak: output not sealed:", verdict(said))
    missing = [s for s in strings if s.encode() not in out]
    if code != 3:
        raise SystemExit(f"leak: nothing was found in output that isn't sealed: {code}: {said}")
    if missing:
        raise SystemExit(f"leak: not shown by the program: {missing}")
    code, said, out = tapped(folder, "sealed.image")
    print("leak: sealed:", verdict(said))
    if code:
        raise SystemExit(f"leak: {code}: {said}")
    if any(s.encode() in out for s in strings):
        raise SystemExit("leak: the output has one of them")
    opened = must(SCWATCHER, "open", "--key", folder / "me.key", "--insecure-accept-emulated", "--mrenclave", mrenclave,
                  folder / "out", errors="replace")
    missing = [s for s in strings if s not in opened]
    if missing:
        raise SystemExit(f"leak: the owner doesn't see {missing}")
    print(f"leak: all {len(strings)} strings shown to the owner, none to the host")
    return 0


if __name__ == "__main__":
    sys.exit(main())
