#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run Debian's unmodified tools in a guest and from outside, and compare what they print.

usage: tests/tools.py BUILD [--kernel RELEASE] [--cpus N] [--memory SIZE] [--name NAME] [--tool PROGRAM=PATH] [--sealed CARRIER] [--enclave MODES] [--only COMMAND] [--long]

For each command: the guest runs it, is frozen, the same command runs on this host against the
guest's memory, the guest goes on and runs it again. A line seen from outside must be one that the
guest printed before or after; every line that the guest printed both times must be seen. Columns
that count time are left out, and a number may lie between the guest's two.
--sealed ring (pread, socket) goes by way of a memory device.
--enclave plain (hide, fault ..., pread: over files; known: with the guest's kernel measured) takes the tools that tests/enclave-tools builds, in enclaves, by way of a
memory device; exit status 77 where these can't be built.
--only top (repeatable) compares what begins like that alone; --long adds those that take minutes.
--tool netstat=PATH runs another binary from outside (one built by scw-cc) in place of Debian's.
Exit status 1 if a line differs.
"""
import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/lib"))
sys.dont_write_bytecode = True

import device  # noqa: E402
import enclave  # noqa: E402
import guest  # noqa: E402

ATTEMPTS = 3  # a process of the load may have woken up in between

COMMANDS = ["netstat -tulpan", "netstat -xan", "netstat -s", "netstat -rn", "netstat -gn", "netstat -tan",
            "netstat -i", "netstat -ei", "netstat -luxwn", "netstat -tulpn", "netstat -r -6 -n",
            "ps aux", "ps -ef", "ps axjf", "ps -eLf", "ps -eo pid,ppid,pgid,sid,tty,stat,ni,rtprio,comm,args",
            "top -b -n1", "top -H -b -n1", "pgrep -a .", "pgrep -f -l -u root .", "pstree -p -a", "pstree -p -t -l",
            "lsof -w -n -P", "lsof -w -n -P -i", "lsof -w -n -P -U",
            "ss -tulpan", "ss -xanpm", "ss -s", "ss -tlnmi", "ss -uanm", "ss -wanm", "ss -tani", "ss -0nem", "ss -an",
            "ss -Htan dst 192.0.2.0/24 and sport gt :1000",
            "lsmod", "ifconfig -a", "vmstat -m", "pmap -XX 1", "prtstat -r 1", "slabtop -o", "lslocks", "nstat -az",
            "ip addr", "ip -s link", "ip route show table all", "ip -6 route show table all", "ip neigh", "ip rule", "unhide reverse",
            "busybox ps", "busybox netstat -tuan", "busybox netstat -rn", "busybox top -b -n1", "busybox pidof tcp-states",
            "busybox ip route", "busybox free", "busybox uname -a"]
# minutes each: a look at every number that a process may have, with a ps for each that one has
LONG = ["unhide proc", "unhide sys"]

# tests/enclave-tools doesn't build these
NOT_INSIDE = {"ifconfig", "lslocks", "lsmod", "nstat", "pmap", "prtstat", "slabtop", "vmstat"}
# lsof asks for names of files in a child process
FORKING = {"lsof"}
# and unhide runs ps, which has to be in its image
RUNS = {"unhide": ["ps"]}
# What tools read beside /proc: of the guest, measured into their enclaves
FILES = ["/etc/passwd", "/etc/group", "/etc/services", "/etc/protocols"]

# columns that hold time used or time passing: what is left of a line without them is compared
TIME_COLUMNS = {
    "ps aux": {2, 9},    # %CPU, TIME
    "ps -ef": {3, 6},    # C, TIME
    "ps -eLf": {4, 8},   # C, TIME
    "ps axjf": {8},
    "top -b -n1": {8, 10},
    "top -H -b -n1": {8, 10},
    "busybox top -b -n1": {6},
    "busybox ps": {2},
}
ARGUMENTS_AT = {"ps aux": 10, "ps -ef": 7, "ps -eLf": 9, "ps axjf": 9, "top -b -n1": 11, "top -H -b -n1": 11,
                "busybox top -b -n1": 7, "busybox ps": 3}

# what passes while the guest stands still here and there, or is of this host (docs/DOORS.md says why)
LEFT_OUT = {
    "top": r"^(top - |Tasks:|Threads:|%Cpu|MiB )",
    "busybox": r"^(Mem:|CPU:|Load average:)",
    # pipes of the agent that started it; stat() of mapped files and of mount points is this host's
    "lsof": r"^agent .* pipe$| mem +REG .* /usr/|PSXMQ|/queue$",
    "unhide": r"^(Used options|\[\*\])",
    "ss": r"^nl +UNCONN +\d+ +\d+ +4:",  # of the asking itself
}


def left_out(command, line):
    pattern = LEFT_OUT.get(command.split()[0])
    return pattern and re.search(pattern, line)


def key(command, line):
    line = re.sub(r"(kworker/[^\s-]+)[-+][^\s\],]+", r"\1", line)  # what it works on just now
    line = re.sub(r"^[|` ]+-", "-", line) if command.startswith("pstree") else line  # a sibling may have gone
    line = re.sub(r" +", " ", line)
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
                          errors="backslashreplace", check=False, timeout=1500, **kwargs)
    errors = "".join(line for line in done.stderr.splitlines(True) if "it protects NOTHING" not in line).strip()
    if done.returncode or errors:
        print(f"  {' '.join(map(str, command))}: status {done.returncode}: {errors[:300]}")
    return [line.rstrip("\n") for line in done.stdout.splitlines()], done.returncode


def own(command, line):
    """Lines of the asking itself: the tool, and what the fixture started it with."""
    tool = re.escape(command.split()[0])
    if tool == "pstree" and re.search(r"-agent\(\d+\)$", line):
        return True  # one of them has the asking pstree behind it in the guest, and nothing from outside
    return command in line or re.search(r"\bexec\b.*\b%s\b|\s%s$|-%s,\d+|^%s +\d+ " % (tool, tool, tool, tool), line)


def compare(command, before, outside, after):
    count = lambda text: collections.Counter(key(command, l) for l in text
                                             if not own(command, l) and not left_out(command, l))
    was, now, seen = count(before), count(after), count(outside)
    missing = [l for l in was & now if seen[l] < min(was[l], now[l])]
    extra = [l for l in seen if seen[l] > max(was[l], now[l])
             and not numbers_between(l, was, now)]
    missing = [l for l in missing if not any(re.sub(r"\d+", "#", l) == re.sub(r"\d+", "#", s)
                                             for s in seen if s not in was)]
    return missing, extra


def usable(program):
    """Is it installed here, in a form that a library can be preloaded into?"""
    path = shutil.which(program)
    if not path:
        return False
    with open(path, "rb") as f:
        return b"/ld-linux" in f.read(4096)


def look(guests, name, scwatcher, way, command, tools):
    words = command.split()
    inside = [guests / "exec", name, "--", *words]
    before, expected = lines(inside)
    subprocess.run([guests / "freeze", name], check=True)
    outside, status = lines([scwatcher, "run", *way, name, "--", tools.get(words[0], words[0]), *words[1:]])
    subprocess.run([guests / "thaw", name], check=True)
    after, _ = lines(inside)
    missing, extra = compare(command, before, outside, after)
    return outside, missing, extra, not missing and not extra and status == expected and outside


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("--cpus", default="1")
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--name", default="scw-tools")
    parser.add_argument("--tool", action="append", default=[])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--sealed")
    parser.add_argument("--enclave")
    options = parser.parse_args()
    options.commands = [c for c in COMMANDS + (LONG if options.long else [])
                        if not options.only or any(c.startswith(o) for o in options.only)]
    options.tools = dict(tool.split("=", 1) for tool in options.tool)
    if options.enclave:
        return compare_enclaves(options)
    if not options.sealed:
        with booted(options):
            return compare_tools(options, [])
    with device.running(options.build, mount=options.sealed == "pread") as d, booted(options):
        return compare_tools(options, d.options(options.sealed))


def booted(options):
    return guest.running(options.name, "--kernel", options.kernel, "--cpus", options.cpus,
                         "--memory", options.memory, "--scenario", "stock")


def compare_enclaves(options):
    """The same, inside; what a tool reads beside /proc is measured, and the guest's."""
    programs = sorted({c.split()[0] for c in options.commands} - NOT_INSIDE)
    if not programs:
        sys.exit("none of these commands is one of a tool that tests/enclave-tools builds")
    try:
        with enclave.enclaves(options.build) as e:
            e.build_tools(*programs, *(p for tool in programs for p in RUNS.get(tool, [])))
            return compare_images(options, e, programs)
    except enclave.Missing as why:
        print("skipped:", why)
        return 77


def compare_images(options, e, programs):
    with booted(options):
        words = [f"--environment={v}" for v in ("TERM", "LC_ALL=C.UTF-8")]
        for i, path in enumerate(FILES):
            copy = e.folder / f"file{i}"
            copy.write_text(enclave.must(TOP / "guests/exec", options.name, "--", "cat", path))
            words.append(f"--file={copy}={path}")
        enclave.must(e.scwatcher, "info", options.name, "--save-kernel", e.folder / "kernel")
        known = [f"--file={e.folder}/kernel=/etc/scwatcher/kernels/guest"]
        failed = 0
        for mode in options.enclave.split(","):
            more = words + (known if mode == "known" else [])
            options.tools = {tool: e.tool(tool, *more, *e.programs(*RUNS.get(tool, [])),
                                          *(["--processes"] if tool in FORKING else [])) for tool in programs}
            with e.device(mount=mode == "pread"):
                print(f"in enclaves, mode {mode}:", flush=True)
                failed |= compare_tools(options, e.way("plain" if mode in ("pread", "known") else mode,
                                                       "pread" if mode == "pread" else "ring"))
        return failed


def compare_tools(options, way):
    scwatcher = options.build.resolve() / "cli" / "scwatcher"
    failed = 0
    for command in options.commands:
        program = command.split()[0]
        if options.tools and program not in options.tools:
            continue
        if program not in options.tools and not usable(program):
            print(f"skip {command}: not installed here, or static", flush=True)
            continue
        for _ in range(ATTEMPTS):
            outside, missing, extra, good = look(TOP / "guests", options.name, scwatcher, way, command,
                                                 options.tools)
            if good:
                break
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {command}: {len(outside)} lines from outside, "
              f"{len(missing)} missing, {len(extra)} that the guest never printed", flush=True)
        for line in missing[:8]:
            print("    guest:   " + line)
        for line in extra[:8]:
            print("    outside: " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
