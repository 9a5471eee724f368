#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run Debian's unmodified tools in a guest and from outside, and compare what they print.

usage: tests/tools.py BUILD [--kernel RELEASE] [--cpus N] [--memory SIZE] [--name NAME] [--tool PROGRAM=PATH] [--sealed CARRIER]

For each command: the guest runs it, is frozen, the same command runs on this host against the
guest's memory, the guest goes on and runs it again. A line seen from outside must be one that the
guest printed before or after; every line that the guest printed both times must be seen. Columns
that count time are left out, and a number may lie between the guest's two.
--sealed ring (pread, socket) goes by way of a memory device.
--tool netstat=PATH runs another binary from outside (one built by scw-cc) in place of Debian's.
Exit status 1 if a line differs.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/lib"))
sys.dont_write_bytecode = True

import device  # noqa: E402

ATTEMPTS = 3  # a process of the load may have woken up in between

COMMANDS = ["netstat -tulpan", "netstat -xan", "netstat -s", "netstat -rn", "netstat -gn", "netstat -tan",
            "ps aux", "ps -eLf", "ps -eo pid,ppid,pgid,sid,tty,stat,ni,rtprio,comm,args"]

# columns that hold time used or time passing: what is left of a line without them is compared
TIME_COLUMNS = {
    "ps aux": {2, 9},    # %CPU, TIME
    "ps -eLf": {4, 8},   # C, TIME
}
ARGUMENTS_AT = {"ps aux": 10, "ps -eLf": 9}


def key(command, line):
    line = re.sub(r"(kworker/[^\s-]+)[-+][^\s\]]+", r"\1", line)  # what it works on just now
    columns = TIME_COLUMNS.get(command)
    if columns:
        fields = line.split(None, ARGUMENTS_AT[command])
        return " ".join(f for i, f in enumerate(fields) if i not in columns)
    return line


def numbers_between(line, before, after):
    """Is `line` one of `before` and one of `after` but for numbers that grew meanwhile?"""
    shape = re.sub(r"\d+", "#", line)
    values = [int(n) for n in re.findall(r"\d+", line)]
    for low in (l for l in before if re.sub(r"\d+", "#", l) == shape):
        for high in (l for l in after if re.sub(r"\d+", "#", l) == shape):
            bounds = zip(re.findall(r"\d+", low), re.findall(r"\d+", high))
            if all(min(int(a), int(b)) <= v <= max(int(a), int(b))
                   for v, (a, b) in zip(values, bounds)):
                return True
    return False


def lines(command, **kwargs):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="backslashreplace", check=False, timeout=300, **kwargs)
    if done.returncode or done.stderr.strip():
        print(f"  {' '.join(map(str, command))}: status {done.returncode}: {done.stderr[:300]}")
    return [line.rstrip("\n") for line in done.stdout.splitlines()], done.returncode


def own(command, line):
    """Lines of the asking itself: the tool, and what the fixture started it with."""
    return command in line or re.search(r"\bexec\b.*\b(netstat|ps)\b", line)


def compare(command, before, outside, after):
    count = lambda text: collections.Counter(key(command, l) for l in text if not own(command, l))
    was, now, seen = count(before), count(after), count(outside)
    missing = [l for l in was & now if seen[l] < min(was[l], now[l])]
    extra = [l for l in seen if seen[l] > max(was[l], now[l])
             and not numbers_between(l, was, now)]
    missing = [l for l in missing if not any(re.sub(r"\d+", "#", l) == re.sub(r"\d+", "#", s)
                                             for s in seen if s not in was)]
    return missing, extra


def look(guests, name, scwatcher, way, command, tools):
    words = command.split()
    inside = [guests / "exec", name, "--", *words]
    before, _ = lines(inside)
    subprocess.run([guests / "freeze", name], check=True)
    outside, status = lines([scwatcher, "run", *way, name, "--", tools.get(words[0], words[0]), *words[1:]])
    subprocess.run([guests / "thaw", name], check=True)
    after, _ = lines(inside)
    missing, extra = compare(command, before, outside, after)
    return outside, missing, extra, not missing and not extra and not status and len(outside) > 1


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("--cpus", default="1")
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--name", default="scw-tools")
    parser.add_argument("--tool", action="append", default=[])
    parser.add_argument("--sealed")
    options = parser.parse_args()
    if not options.sealed:
        return compare_tools(options, [])
    with device.running(options.build, mount=options.sealed == "pread") as d:
        return compare_tools(options, d.options(options.sealed))


def compare_tools(options, way):
    scwatcher = options.build.resolve() / "cli" / "scwatcher"
    tools = dict(tool.split("=", 1) for tool in options.tool)
    guests = TOP / "guests"
    name = options.name

    subprocess.run([guests / "stop", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([guests / "boot", "--name", name, "--kernel", options.kernel, "--cpus", options.cpus,
                    "--memory", options.memory, "--scenario", "stock"], check=True)
    failed = 0
    try:
        for command in COMMANDS:
            words = command.split()
            if tools and words[0] not in tools:
                continue
            for _ in range(ATTEMPTS):
                outside, missing, extra, good = look(guests, name, scwatcher, way, command, tools)
                if good:
                    break
            failed += not good
            print(f"{'ok  ' if good else 'FAIL'} {command}: {len(outside)} lines from outside, "
                  f"{len(missing)} missing, {len(extra)} that the guest never printed", flush=True)
            for line in missing[:8]:
                print("    guest:   " + line)
            for line in extra[:8]:
                print("    outside: " + line)
    finally:
        subprocess.run([guests / "stop", name], check=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
