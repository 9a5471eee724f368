#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Watch a guest that forks and connects as fast as it can.

usage: tests/churn.py BUILD RUNS [--kernel RELEASE] [--name NAME] [--sealed CARRIER] [-- BOOT-OPTION...]

RUNS times, netstat -tan and ps aux run from outside on a guest under the scenario `churn`. Each run
must end by itself with status 0, print nothing on standard error and nothing but well-formed lines,
and show every process that lived from before the first run to after the last one exactly once, and
none with a number that no process has. --sealed ring (pread, socket) goes by way of a memory device. Exit
status 1 if not.
"""
import argparse
import collections
import contextlib
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/lib"))
sys.dont_write_bytecode = True

import device  # noqa: E402
import guest  # noqa: E402

TIMEOUT = 60  # seconds: a hang, not slowness, whatever the machine's load
PID_MAX = 1 << 22

LINES = {
    # USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND
    "ps": re.compile(r"\S+ +[1-9]\d* +\d+(\.\d)? +\d+(\.\d)? +\d+ +\d+ +(\?|\S+/?\d*) +"
                     r"[DIRSTtZX][<NLsl+]* +[\w:]+ +\d+:\d\d (?!\[\]).+"),
    # Proto Recv-Q Send-Q Local Foreign State
    "netstat": re.compile(r"(tcp|tcp6) +\d+ +\d+ +\S+:(\d+|\*) +\S+:(\d+|\*) +[A-Z][A-Z0-9_]+ *"),
}
HEADS = {"ps": 1, "netstat": 2}


def guest_processes(name):
    """PID and start time of every process, as the guest itself sees them."""
    script = "for d in /proc/[0-9]*; do read -r line < $d/stat && echo \"$line\"; done 2>/dev/null"
    text = subprocess.run([TOP / "guests/exec", name, "--", "bash", "-c", script],
                          stdout=subprocess.PIPE, text=True, errors="replace", check=True).stdout
    found = set()
    for line in text.splitlines():
        if ") " in line:
            fields = line.rpartition(") ")[2].split()
            found.add((line.split()[0], fields[19]))
    return found


def look(scwatcher, name, sealed, *command):
    done = subprocess.run([scwatcher, "run", *sealed, name, "--", *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace", timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


def malformed(tool, text):
    """Lines that no sound table has."""
    bad = []
    for line in text.splitlines()[HEADS[tool]:]:
        if not LINES[tool].fullmatch(line) or (tool == "ps" and int(line.split()[1]) > PID_MAX):
            bad.append(line)
    return bad


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("runs", type=int)
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("--name", default="scw-churn")
    parser.add_argument("--sealed")
    parser.add_argument("boot", nargs="*", help="options of guests/boot")
    options = parser.parse_args()
    scwatcher = options.build.resolve() / "cli" / "scwatcher"
    name = options.name

    failures = []
    shown = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(guest.running(name, "--kernel", options.kernel, "--scenario", "churn", *options.boot))
        sealed = []
        if options.sealed:
            mount = options.sealed.startswith("pread")
            sealed = stack.enter_context(device.running(options.build, mount=mount)).options(options.sealed)
        before = guest_processes(name)
        for number in range(options.runs):
            for command in (("netstat", "-tan"), ("ps", "aux")):
                try:
                    status, text, errors = look(scwatcher, name, sealed, *command)
                except subprocess.TimeoutExpired:
                    failures.append(f"run {number}: {command[0]} hangs")
                    continue
                if status or errors:
                    failures.append(f"run {number}: {command[0]}: status {status}: {errors[:200]}")
                for line in malformed(command[0], text):
                    failures.append(f"run {number}: {command[0]}: malformed: {line!r}")
                if command[0] == "ps":
                    pids = [line.split()[1] for line in text.splitlines()[1:] if line.strip()]
                    shown.append((number, collections.Counter(pids)))
        lasting = {pid for pid, _ in before & guest_processes(name)}

    for number, pids in shown:
        missing = sorted(pid for pid in lasting if pids[pid] == 0)
        twice = sorted(pid for pid, count in pids.items() if count > 1)
        if missing or twice:
            failures.append(f"run {number}: missing {missing}, twice {twice}")
    for failure in failures[:40]:
        print(failure)
    print(f"churn: {options.runs} runs of netstat and ps, {len(lasting)} lasting processes, "
          f"{len(failures)} failures")
    return 1 if failures or len(lasting) < 5 or not shown else 0


if __name__ == "__main__":
    sys.exit(main())
