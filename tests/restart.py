#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tools that look at a guest while it restarts: each run is right, or ends with an error. As root.

usage: tests/restart.py BUILD [--resets N] [--kernel RELEASE] [--ram shared|private] [--name NAME]

Four ways to look (run, cat, a tool with no run around it, and run by way of a memory device) go on
without a pause while the guest is reset again and again. A run that ends with status 0 must list what
the guest has: as long as the old kernel is there, just the processes from before; then the new kernel's,
its first two at least. Prints how long each way saw no guest. Exit status 1 if a run lied.
"""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "guests" / "lib"))
sys.path.insert(0, str(TOP / "tests/lib"))

import device  # noqa: E402
import guest  # noqa: E402
from scwguests.machine import Guest as Machine  # noqa: E402

LIMIT = 120  # seconds in which a guest is to be back, on a busy machine
PS = ["ps", "-eo", "pid,comm"]
REASONS = re.compile(
    r"restart|went away|booting|no Linux|no running Linux|isn't there yet|isn't all there|another kernel|"
    r"has ended|memory device hung up|other end|incomplete|gone|limit|more memory|profile|kallsyms|BTF|symbol")


def processes(text):
    """{pid: name} of what lasts: neither what kworkers do nor the fixture's own."""
    found = {}
    for line in text.splitlines():
        fields = line.split(None, 1)
        if len(fields) == 2 and fields[0].isdigit() and not fields[1].startswith("kworker"):
            found[int(fields[0])] = fields[1].strip()
    return found


class Way(threading.Thread):
    """One way to look, again and again."""

    def __init__(self, name, command, environment=None):
        super().__init__(daemon=True)
        self.what = name
        self.command = [str(part) for part in command]
        self.environment = dict(os.environ, **(environment or {}))
        self.lies = []
        self.runs = collections.Counter()
        self.ended = False
        self.before = None   # what must be listed until the first error
        self.failing = threading.Event()
        self.back = threading.Event()

    def look(self):
        return subprocess.run(self.command, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", check=False,
                              timeout=LIMIT)

    def run(self):
        while not self.ended:
            done = self.look()
            if done.returncode == 0:
                self.right(done)
            else:
                self.runs["refused"] += 1
                if not REASONS.search(done.stderr):
                    self.lies.append(f"status {done.returncode}, but says {done.stderr[-300:]!r}")
                self.before = None
                self.back.clear()
                self.failing.set()

    def right(self, done):
        seen = processes(done.stdout)
        self.runs["whole"] += 1
        wanted = self.before if self.before is not None else {2: "kthreadd"}
        missing = {pid: name for pid, name in wanted.items() if seen.get(pid) != name}
        if missing or 1 not in seen or done.stderr.strip():
            self.lies.append(f"{len(seen)} processes listed, without {list(missing.items())[:5]}; "
                             f"said {done.stderr[-200:]!r}")
        if self.before is None:
            self.back.set()


class CatWay(Way):
    """/proc/2/status and /proc/loadavg: all or nothing."""

    def right(self, done):
        self.runs["whole"] += 1
        if "Name:\tkthreadd" not in done.stdout or "voluntary_ctxt_switches" not in done.stdout or \
                not re.search(r"^\d+\.\d\d \d+\.\d\d \d+\.\d\d \d+/\d+ \d+$", done.stdout, re.M):
            self.lies.append(f"cat gave {done.stdout[-200:]!r}, said {done.stderr[-200:]!r}")
        self.before = None
        self.back.set()


def steady(way):
    """What is there in two looks in a row, of processes that last."""
    first = processes(way.look().stdout)
    time.sleep(0.5)
    second = processes(way.look().stdout)
    return {pid: name for pid, name in first.items()
            if second.get(pid) == name and name not in ("ps", "sh")}


def reset(name):
    with Machine(name).qmp() as qmp:
        # the guests are started to end when they would reboot
        qmp.command("set-action", reboot="reset")
        qmp.command("system_reset")


def wait_all(events, what):
    end = time.monotonic() + LIMIT
    for way, event in events:
        if not event.wait(max(0, end - time.monotonic())):
            done = way.look()
            raise RuntimeError(f"{way.what}: {what} within {LIMIT} s, now {done.returncode}, "
                               f"{done.stderr!r}, {len(processes(done.stdout))} processes")


def run(options, build, dev):
    scwatcher = build / "cli/scwatcher"
    ways = [
        Way("run", [scwatcher, "run", options.name, "--", *PS]),
        Way("no run", PS, {"LD_PRELOAD": str(build / "cli/libscwatcher-preload.so"),
                           "SCWATCHER_VM": options.name}),
        CatWay("cat", [scwatcher, "cat", options.name, "/proc/2/status", "/proc/loadavg"]),
        Way("sealed", [scwatcher, "run", *dev.options("ring"), options.name, "--", *PS]),
    ]
    try:
        for way in ways:
            way.start()
        for number in range(options.resets):
            kept = steady(ways[0])
            for way in ways:
                way.failing.clear()
                way.back.clear()
                if not isinstance(way, CatWay):
                    way.before = kept
            begun = time.monotonic()
            reset(options.name)
            wait_all([(way, way.failing) for way in ways], "noticed no restart")
            noticed = time.monotonic() - begun
            wait_all([(way, way.back) for way in ways], "saw no new kernel")
            print(f"reset {number + 1}: {len(kept)} processes; all had noticed after {noticed:.2f} s, "
                  f"and saw the new kernel after {time.monotonic() - begun:.1f} s", flush=True)
            time.sleep(2)  # of the boot that is still going on
    finally:
        for way in ways:
            way.ended = True
        for way in ways:
            way.join(LIMIT)
    lies = 0
    for way in ways:
        print(f"{way.what}: {way.runs['whole']} whole, {way.runs['refused']} refused, {len(way.lies)} lies")
        for lie in way.lies[:5]:
            print(f"  {lie}")
        lies += len(way.lies)
    return 1 if lies else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--resets", type=int, default=2)
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("--ram", default="shared")
    parser.add_argument("--name", default="scw-restart")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("not root: the device can't be tested")
        return 77
    build = options.build.resolve()
    try:
        with guest.running(options.name, "--kernel", options.kernel, "--ram", options.ram, "--memory", "512M"), \
                device.running(build, vms=options.name) as dev:
            return run(options, build, dev)
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"FAILED: {problem}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
