#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Watch a guest that forks and connects as fast as it can.

usage: tests/churn.py BUILD RUNS [--kernel RELEASE]

RUNS times, netstat -tan and ps aux run from outside on a guest under the scenario `churn`. Each run
must end by itself with status 0, print nothing on standard error, and show every process that
lived from before the first run to after the last one exactly once. Exit status 1 if not.
"""
import argparse
import collections
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
NAME = "scw-churn"
TIMEOUT = 60  # seconds: a hang, not slowness, whatever the machine's load


def guest_processes():
    """PID and start time of every process, as the guest itself sees them."""
    script = "for d in /proc/[0-9]*; do read -r line < $d/stat && echo \"$line\"; done 2>/dev/null"
    text = subprocess.run([TOP / "guests/exec", NAME, "--", "bash", "-c", script],
                          stdout=subprocess.PIPE, text=True, errors="replace", check=True).stdout
    found = set()
    for line in text.splitlines():
        if ") " in line:
            fields = line.rpartition(") ")[2].split()
            found.add((line.split()[0], fields[19]))
    return found


def look(scwatcher, *command):
    done = subprocess.run([scwatcher, "run", NAME, "--", *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace", timeout=TIMEOUT)
    return done.returncode, done.stdout, done.stderr


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("runs", type=int)
    parser.add_argument("--kernel", default="6.1")
    options = parser.parse_args()
    scwatcher = options.build.resolve() / "cli" / "scwatcher"

    subprocess.run([TOP / "guests/stop", NAME], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([TOP / "guests/boot", "--name", NAME, "--kernel", options.kernel,
                    "--scenario", "churn"], check=True)
    failures = []
    shown = []
    try:
        before = guest_processes()
        for number in range(options.runs):
            for command in (("netstat", "-tan"), ("ps", "aux")):
                try:
                    status, text, errors = look(scwatcher, *command)
                except subprocess.TimeoutExpired:
                    failures.append(f"run {number}: {command[0]} hangs")
                    continue
                if status or errors:
                    failures.append(f"run {number}: {command[0]}: status {status}: {errors[:200]}")
                if command[0] == "ps":
                    pids = [line.split()[1] for line in text.splitlines()[1:] if line.strip()]
                    shown.append((number, collections.Counter(pids)))
        lasting = {pid for pid, _ in before & guest_processes()}
    finally:
        subprocess.run([TOP / "guests/stop", NAME], check=False)

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
