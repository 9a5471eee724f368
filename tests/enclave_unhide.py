#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""unhide in an (emulated) enclave: each of its tests to its end, with no hidden process and with one.

usage: enclave_unhide.py BUILD [--kernel RELEASE] [--only TEST]... [--pid-max NUMBER]

What it says inside is what the guest's own unhide says, but for the numbers of sysinfo, in which the asking itself
counts. PIDs end soon after the last one in use, so that the searches do. Exits 77 (skipped) where
enclaves or the tools can't be built.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/lib"))
sys.dont_write_bytecode = True

import enclave  # noqa: E402

NAME = f"unhide-{os.getpid()}"
ATTEMPTS = 3  # who looks in the guest is among those that come and go there
STOPPED = 126
# those that find a hidden process (brute twice: once, unhide frees a pointer that it has never set), and those to
# which all looks the same
FINDING = ["quick", "proc", "procfs", "procall", "sys", "checkopendir", "checkchdir", "checkkill", "checkgetaffinity",
           "checkgetparam", "checkgetpgid", "checkgetprio", "checkRRgetinterval", "checkgetsched", "checkgetsid",
           "checksysinfo", "checksysinfo2", "checksysinfo3", "-d brute"]
SILENT = ["reverse", "checkreaddir", "checknoprocps"]
# what can't be inside, and what the message names
STOPPING = {"-u checksysinfo": "stdbuf"}
TIME_LIMIT = 1200
LAST_PID = 340


def in_guest(*words):
    return subprocess.run([TOP / "guests/exec", NAME, "--", *words], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, errors="replace", timeout=TIME_LIMIT)


def said(text):
    lines = [re.sub(r"\tsysinfo.*", "", line) for line in text.splitlines()]
    return [line for line in lines if line.strip() and not re.match(r"Used options|Commande", line)]


def look(e, image, test, hidden):
    """Whether it is right, and what was said if it isn't."""
    for _ in range(ATTEMPTS):
        guest = in_guest("unhide", *test.split())
        status, output, errors = e.run(NAME, image, *test.split())
        finds = hidden is not None and test in FINDING
        good = status == guest.returncode == int(finds) and said(output) == said(guest.stdout)
        if good and finds and "sysinfo" not in test:
            good = all(text in output for text in (f"Found HIDDEN PID: {hidden}", "$USER=evil", "$PWD=/tmp"))
        if good:
            return True, ""
    return False, f" {status}, hidden {hidden}, the guest's own {guest.returncode}\n{output}{errors}\n" \
                  f"--- the guest's own\n{guest.stdout}"


def hide(e):
    """The PID of a process that no list of the guest's /proc has. It is above 300, where brute begins to look."""
    started = in_guest("sh", "-c", f"echo {LAST_PID} >/proc/sys/kernel/ns_last_pid; cd /tmp; "
                                   "USER=evil PWD=/tmp sleep 1000000 >/dev/null 2>&1 </dev/null & echo $!")
    pid = started.stdout.strip()
    if int(pid) <= 300:
        raise RuntimeError(f"the process to hide has the number {pid}")
    time.sleep(1)  # it becomes sleep
    ram = re.search(r"^ram_file +(.*)$", enclave.must(TOP / "guests/info", NAME), re.M)[1]
    enclave.must(TOP / "guests/freeze", NAME)
    enclave.must(e.build / "tests/prochide", NAME, ram, pid)
    enclave.must(TOP / "guests/thaw", NAME)
    if pid in in_guest("ps", "-e", "-o", "pid=").stdout.split():
        raise RuntimeError(f"{pid} isn't hidden")
    return int(pid)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("build")
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("--only", action="append")
    parser.add_argument("--pid-max", type=int, default=400)
    options = parser.parse_args()
    tests = options.only or FINDING + SILENT
    wrong = 0
    with enclave.enclaves(options.build) as e:
        e.build_tools("unhide", "ps", "busybox")
        image = e.tool("unhide", *e.programs("ps", busybox=("cat", "tr", "grep")))
        enclave.must(TOP / "guests/boot", "--kernel", options.kernel, "--name", NAME, "--with", str(os.getpid()))
        try:
            in_guest("sh", "-c", f"echo {options.pid_max} >/proc/sys/kernel/pid_max")
            with e.device():
                for hidden in (None, hide):
                    pid = hidden and hidden(e)
                    for test in tests:
                        begun = time.monotonic()
                        good, why = look(e, image, test, pid)
                        wrong += not good
                        print(f"unhide {test}, {'one hidden' if pid else 'none hidden'}: {'ok' if good else 'WRONG'}{why}, "
                              f"{time.monotonic() - begun:.0f} s", flush=True)
                for test, why in STOPPING.items():
                    status, _, errors = e.run(NAME, image, *test.split())
                    good = status == STOPPED and why in errors
                    wrong += not good
                    print(f"unhide {test}: {'ok' if good else 'WRONG'}: {status}, {errors.splitlines()[-1]}")
        finally:
            subprocess.run([TOP / "guests/stop", NAME], check=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except enclave.Missing as why:
        print("unhide: skipped:", why)
        sys.exit(77)
