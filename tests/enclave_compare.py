#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's tools in (emulated) enclaves against the same tools in the guest.

usage: enclave_compare.py BUILD SCW-CC [TOOL...]

Builds the tools by tests/enclave-tools, signs them with the device's key pinned, and runs them on a live guest
over the sealed ring, netstat also over files (pread). Their lines have to be those that the guest's own tool prints, in any order; a guest lives,
so each is tried some times. Then netstat is run until it leaves its enclave neither for memory nor for the time,
as it does when the device isn't kept from its processor for long. Exits 77 (skipped) where enclaves can't be built (`make enclave`) or no guest boots.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

BUILD, SCW_CC = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
TOP = pathlib.Path(__file__).resolve().parents[1]
SCWATCHER = BUILD / "cli/scwatcher"
NAME = f"enclaves-{os.getpid()}"
TRIES = 5
EXIT_TRIES = 100

# tool: command lines, each with the modes of the emulation; "pread" is plain, over files, "known" with the guest's kernel measured
CASES = {
    "netstat": [(["-tuan"], ["plain", "hide", "fault", "pread", "known"]), (["-rn"], ["plain"]), (["-g", "-n"], ["plain"]),
                (["-tlnp"], ["plain"])],
    "ps": [(["-eo", "pid,ppid,user,ni,stat,tty,comm"], ["plain", "hide"])],
    "pgrep": [(["-l", "."], ["plain"])],
    "pstree": [(["-p"], ["plain"])],
    "ss": [(["-tan"], ["plain"])],
}
# The guest's ss asks by netlink, which tells more than /proc; so that it reads /proc, too:
GUEST = {"ss": ["env", "PROC_ROOT=/proc", "ss"]}
# lines of the tool itself, or of what runs it in the guest
OWN = re.compile(r"\b(netstat|ps|pgrep|pstree|ss|agent|sh|bash)\b|scwatcher|^total ")


def run(*words, **options):
    return subprocess.run([str(w) for w in words], check=False, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def must(*words, **options):
    done = run(*words, **options)
    if done.returncode:
        raise SystemExit(f"compare: {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout


def skip(why):
    print("compare: skipped:", why)
    sys.exit(77)


def lines(text):
    return sorted(line for line in text.splitlines() if not OWN.search(line))


def way(folder, mode):
    if mode == "pread":
        return "--emulate", "--sealed=pread", "--device", folder / "memory"
    if mode == "known":
        mode = "plain"
    return f"--emulate={mode}", "--device", folder / "socket"


def compare(folder, tool, arguments, mode):
    difference = []
    for _ in range(TRIES):
        image = folder / (f"{tool}.known" if mode == "known" else f"{tool}.image")
        ours = run(SCWATCHER, "run", "--enclave", *way(folder, mode), NAME, "--", image, *arguments,
                   env=dict(os.environ, TERM="dumb"))
        theirs = run(TOP / "guests/exec", NAME, "--", *GUEST.get(tool, [tool]), *arguments)
        mine, guests = lines(ours.stdout), lines(theirs.stdout)
        if ours.returncode == theirs.returncode and mine == guests and mine:
            print(f"compare: {tool} {' '.join(arguments)} ({mode}): {len(mine)} lines, the same", flush=True)
            return True
        difference = [f"inside only: {x}" for x in mine if x not in guests][:5] + \
                     [f"guest only: {x}" for x in guests if x not in mine][:5]
        time.sleep(1)
    print(f"compare: {tool} {' '.join(arguments)} ({mode}): exit codes {ours.returncode} and {theirs.returncode}")
    print("\n".join(difference + ours.stderr.splitlines()[-3:]), flush=True)
    return False


def counts_exits(folder):
    left = ""
    for _ in range(EXIT_TRIES):
        done = run(SCWATCHER, "run", "--enclave", "--emulate", "--stats", "--device", folder / "socket", NAME, "--",
                   folder / "netstat.image", "-tuan")
        left = re.findall(r"\d+ times \((?:memory:.*|the time)\)", done.stderr) + \
            re.findall(r"(?:[3-9]|\d\d+) times \(writing\)", done.stderr)
        if not done.returncode and "session: ring worker" in done.stderr and not left:
            print("compare: netstat -tuan leaves for memory never, to write once or twice:",
                  re.search(r"\d+ entries", done.stderr)[0], flush=True)
            return True
    print(f"compare: netstat -tuan leaves for memory in each of {EXIT_TRIES} runs: {left}")
    return False


def make_images(folder, tools):
    done = run(TOP / "tests/enclave-tools", SCW_CC, BUILD / "enclave/tools", *tools)
    if done.returncode == 77 or "make enclave" in done.stdout + done.stderr:
        skip(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit("compare: " + done.stdout + done.stderr)
    must("openssl", "genrsa", "-3", "-out", folder / "sign.pem", "3072")
    must(SCWATCHER, "keys", "device", "--new", folder / "device.key")
    files = [f"--file={f}" for f in ("/etc/services", "/etc/protocols") if os.path.exists(f)]
    # users' names are the guest's
    (folder / "passwd").write_text(must(TOP / "guests/exec", NAME, "--", "cat", "/etc/passwd"))
    must(SCWATCHER, "info", NAME, "--save-kernel", folder / "kernel")
    for tool in tools:
        for end, more in ("image", []), ("known", [f"--file={folder}/kernel=/etc/scwatcher/kernels/guest"]):
            text = must(SCWATCHER, "sign", "--key", folder / "sign.pem", "--heap", "128M", "--device-key",
                        folder / "device.pub", "--environment", "TERM", "--environment", "LC_ALL=C.UTF-8", *files, *more,
                        f"--file={folder}/passwd=/etc/passwd", BUILD / "enclave/tools" / tool,
                        folder / f"{tool}.{end}")
    return re.search(r"MRSIGNER: *([0-9a-f]{64})", text)[1]


def main():
    tools = sys.argv[3:] or ["netstat"]
    if not (BUILD / "enclave/musl/sysroot/lib/libc.a").exists() or not list(SCW_CC.parent.glob("libscwatcher-enclave.a")):
        skip("`make enclave` wasn't done")
    if run(TOP / "guests/boot", "--kernel", "6.1", "--scenario", "stock", "--name", NAME).returncode:
        skip("no guest can be booted")
    try:
        with tempfile.TemporaryDirectory(prefix="scwatcher-compare-") as name:
            folder = pathlib.Path(name)
            os.chmod(folder, 0o755)
            signer = make_images(folder, tools)
            (folder / "policy.conf").write_text(
                f'identities = ( {{ name = "compare"; type = "sgx-emulated"; mrsigner = "{signer}"; '
                'product = 0; minimum_version = 0; vms = [ "*" ]; } );\n')
            (folder / "d.conf").write_text("")
            (folder / "memory").mkdir()
            with open(folder / "log", "w", encoding="utf-8") as log:
                device = subprocess.Popen(
                    [BUILD / "memdev/daemon/scwatcherd", "--config", folder / "d.conf", "--socket",
                     folder / "socket", "--control", folder / "control", "--key", folder / "device.key",
                     "--policy", folder / "policy.conf", "--user", "nobody", "--mount", folder / "memory",
                     "--insecure-accept-emulated"], stderr=log)
            try:
                for _ in range(600):
                    if os.path.ismount(folder / "memory") or device.poll() is not None:
                        break
                    time.sleep(0.05)
                good = [compare(folder, tool, arguments, mode) for tool in tools
                        for arguments, modes in CASES[tool] for mode in modes]
                if "netstat" in tools and os.cpu_count() > 1:
                    good.append(counts_exits(folder))
            finally:
                # before its folder goes
                device.terminate()
                device.wait()
            return 0 if all(good) else 1
    finally:
        run(TOP / "guests/stop", NAME)


if __name__ == "__main__":
    sys.exit(main())
