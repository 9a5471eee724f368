#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs made by scw-cc, on a VM: the example monitor, and netstat from Debian's source package.

usage: live.py BUILD

The monitor must list what the guest's own /proc lists. netstat, built by `CC=scw-cc make`, must print
what the guest's netstat printed (sockets in states that don't change by themselves), and what Debian's
netstat prints through `scwatcher run`. Exits 77 (skipped) for the second part when the source
package can't be had, with the first part done.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "guests/lib"), str(TOP / "tests/lib")]

import device  # noqa: E402
from scwguests import GuestError, sources  # noqa: E402


def run(*command, **kwargs):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=True,
                          errors="replace", **kwargs).stdout


def get_source(folder):
    """net-tools' source, unpacked; None where it can't be had."""
    try:
        sources.unpack(sources.fetch("net-tools"), folder / "src")
    except GuestError as e:
        print("live:", e)
        return None
    return folder / "src"


def build_netstat(source, scw_cc):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": source}
    # the answers to `make config`, all as proposed
    subprocess.run("yes '' | make config", shell=True, check=True, **quiet)
    # CFLAGS in the environment, as dpkg-buildpackage does: with the checked forms of functions
    subprocess.run(["make", "netstat", f"CC={scw_cc}"], check=True,
                   env=dict(os.environ, CFLAGS="-O2 -g -D_FORTIFY_SOURCE=2"), **quiet)
    return source / "netstat"


def processes(text):
    """PID and parent of each; names may hold anything, line ends too."""
    rows = (line.split()[:2] for line in text.splitlines())
    return {tuple(map(int, row)) for row in rows if len(row) == 2 and all(map(str.isdigit, row))}


def lasting(text):
    """Lines that stay true while the guest runs on, without queue lengths."""
    return sorted(" ".join(line.split()[:1] + line.split()[3:]) for line in text.splitlines()
                  if "LISTEN" in line or "ESTABLISHED" in line)


def check(what, first, second):
    if first == second and first:
        print(f"live: {what}: {len(first)} lines, the same")
        return True
    print(f"live: {what}: not the same")
    for line in sorted(set(first) ^ set(second)):
        print("  first: " if line in first else "  second:", line)
    return False


def check_as_in_container(build, name, netstat):
    """Over files alone, in an environment of the variables that docs/CONTAINERS.md names."""
    try:
        with device.running(build, mount=True) as d:
            sealed = run(netstat, "-tan", env=dict(d.environment("pread"), SCWATCHER_VM=name)).splitlines()
    except RuntimeError as e: # no FUSE here
        print("live: as in a container: skipped:", e)
        return True
    mapped = run(netstat, "-tan", env=dict(os.environ, SCWATCHER_VM=name)).splitlines()
    return check("netstat -tan as in a container", mapped, sealed)


def check_under_run(build, name, folder):
    """`scwatcher run` leaves programs to themselves that look for their VM, static ones too."""
    source = folder / "cat.c"
    source.write_text('#include <stdio.h>\nint main(void) { int c; FILE *f = fopen("/proc/1/status", "r");\n'
                      'while (f && (c = getc(f)) != EOF) putchar(c); return !f; }\n')
    watch = (build / "cli" / "scwatcher", "run", name, "--")
    want = run(*watch, "cat", "/proc/1/status").splitlines()
    good = True
    for kind in ([], ["-static"]):
        run(build / "scw-cc" / "scw-cc", *kind, source, "-o", folder / "cat", stderr=subprocess.DEVNULL)
        good &= check(f"a program under run {kind}", want, run(*watch, folder / "cat").splitlines())
        good &= check(f"its child {kind}", want, run(*watch, "sh", "-c", f"{folder}/cat; true").splitlines())
    good &= check("a monitor under run", run(build / "examples" / "proclist", name).splitlines(),
                  run(*watch, build / "examples" / "proclist", name).splitlines())
    return good


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    scw_cc = build / "scw-cc" / "scw-cc"
    name = f"scw-cc-{os.getpid()}"
    good = True
    with tempfile.TemporaryDirectory() as folder:
        source = get_source(pathlib.Path(folder))
        netstat = build_netstat(source, scw_cc) if source else None
        run(TOP / "guests/boot", "--name", name, "--scenario", "stock")
        try:
            script = ("cd /proc; for p in [0-9]*; do while read -r k v; do case $k in "
                      "PPid:) echo $p $v; break;; esac; done < $p/status; done 2>/dev/null")
            list_inside = (TOP / "guests/exec", name, "--", "bash", "-c", script)
            before = processes(run(*list_inside))
            outside = processes(run(build / "examples" / "proclist", name))
            after = processes(run(*list_inside))
            # what came or went meanwhile may be shown or not
            good &= check("processes", sorted(before & after),
                          sorted(outside - (before ^ after)))
            if netstat:
                env = dict(os.environ, SCWATCHER_VM=name)
                inside = run(TOP / "guests/exec", name, "--", "netstat", "-tan")
                good &= check("connections", lasting(inside),
                              lasting(run(netstat, "-tan", env=env)))
                run(TOP / "guests/freeze", name)
                for option in ("-tulpan", "-xan", "-s", "-rn"):
                    debian = run(build / "cli" / "scwatcher", "run", name, "--", "netstat", option)
                    good &= check(f"netstat {option}", debian.splitlines(),
                                  run(netstat, option, env=env).splitlines())
                good &= check_as_in_container(build, name, netstat)
            else:
                run(TOP / "guests/freeze", name)
            good &= check_under_run(build, name, pathlib.Path(folder))
        finally:
            run(TOP / "guests/stop", name)
    if not good:
        return 1
    return 0 if netstat else 77


if __name__ == "__main__":
    sys.exit(main())
