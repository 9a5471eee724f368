# SPDX-License-Identifier: MIT
"""The commands guests/boot, exec, freeze, ...: one function each, named as the command."""

import argparse
import json
import os
import re
import signal
import sys

from . import GuestError, agent
from . import capture as captures
from .kernel import forget
from .machine import BOOT_TIMEOUT, Guest, all_guests, claim_new, parse_size

MEMORY = {"large": "2G", "huge": "4G"}  # what a scenario needs
SCENARIOS = ("none", "small", "stock", "large", "huge", "churn")


def scenario(text):
    """A name, or sized:TASKS:SOCKETS."""
    if text not in SCENARIOS and not re.fullmatch(r"sized:\d{2,5}:\d{2,6}", text):
        raise argparse.ArgumentTypeError("none of %s, sized:TASKS:SOCKETS" % ", ".join(SCENARIOS))
    return text


def run(command, argv=None):
    """Runs a command function as a program: its exit status."""
    try:
        return command(sys.argv[1:] if argv is None else argv) or 0
    except GuestError as error:
        print("guests/%s: %s" % (command.__name__.strip("_"), error), file=sys.stderr)
        return 125 if command is exec_ else 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return 130


def _parser(name, text, **kwargs):
    return argparse.ArgumentParser(prog="guests/" + name, description=text, **kwargs)


def boot(argv):
    p = _parser("boot", "Boot a test guest in the background and print its name when it is ready.")
    p.add_argument("--kernel", action="append", metavar="RELEASE|PACKAGE.deb|DIR",
                   help="5.10, 6.1 (default), 6.12, with -cloud (default), -generic or -rt; a release, "
                   "package or version that Debian's archive has; a .deb file (repeatable, for split "
                   "packages); or a folder with an unpacked kernel")
    p.add_argument("--cpus", type=int, default=1, help="virtual CPUs (default 1)")
    p.add_argument("--memory", metavar="SIZE", help="512M, 5G, ... (default: as the scenario needs)")
    la57 = p.add_mutually_exclusive_group()
    la57.add_argument("--la57", action="store_true", help="5-level page tables")
    la57.add_argument("--no-la57", action="store_true", help="4-level page tables (default)")
    p.add_argument("--ram", choices=("shared", "private"), default="shared",
                   help="guest memory in a shared file (default) or in QEMU's own memory")
    p.add_argument("--machine", choices=("pc", "q35"), default="pc", help="QEMU machine (default pc)")
    p.add_argument("--scenario", type=scenario, default="none", metavar="{%s,sized:TASKS:SOCKETS}" % ",".join(SCENARIOS),
                   help="the load to lay out (default none)")
    p.add_argument("--name", help="the guest's name (default: made from the kernel)")
    p.add_argument("--timeout", type=int, default=BOOT_TIMEOUT, metavar="SECONDS",
                   help="how long booting may take (default %d)" % BOOT_TIMEOUT)
    p.add_argument("--accel", choices=("kvm", "tcg"), help="default: KVM where it works")
    p.add_argument("--append", default="", metavar="ARGS", help="more kernel arguments")
    p.add_argument("--qemu", action="append", default=[], metavar="ARG",
                   help="one more argument for QEMU (repeatable)")
    p.add_argument("--with", dest="end_with", type=int, metavar="PID",
                   help="stop the guest when this process ends, say the test that it is for")
    p.add_argument("--update", action="store_true",
                   help="ask the archive anew which kernel a name means")
    options = p.parse_args(argv)
    options.kernel = options.kernel or ["6.1"]
    options.memory_given = bool(options.memory)
    options.memory = options.memory or MEMORY.get(options.scenario, "512M")
    if options.scenario.startswith("sized:") and not options.memory_given:
        options.memory = "2G" if max(map(int, options.scenario.split(":")[1:])) > 2000 else "512M"
    options.say = lambda text: print("guests/boot: " + text, file=sys.stderr)
    if not 1 <= options.cpus <= 255:
        raise GuestError("--cpus must be 1 to 255")
    if options.update:
        for name in options.kernel:
            forget(name)
    parse_size(options.memory)
    if options.name:
        guest = Guest(options.name)
        if not guest.claim():
            raise GuestError("a guest called %s exists: guests/stop it or choose another --name" %
                             options.name)
    else:
        guest = claim_new(options.kernel[0])
    if options.end_with:
        try:
            guest.end_with(options.end_with)
        except GuestError:
            guest.stop()
            raise
    # whoever ends us, say a test's time limit, wants no half-booted guest
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    guest.boot(options)
    print(guest.name)


def exec_(argv):
    p = _parser("exec", "Run a command in a guest: its output, its errors, its exit status. 125: no such "
                "guest, frozen, or gone; 126 or 127: the command can't be run.",
                usage="guests/exec [-h] [--timeout SECONDS] [-i] NAME [--] COMMAND...")
    p.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after this time")
    p.add_argument("-i", "--stdin", action="store_true", help="pass standard input on")
    p.add_argument("name")
    p.add_argument("command", nargs=argparse.REMAINDER)
    options = p.parse_args(argv)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        p.error("no command given")
    with Guest(options.name).channel() as link:
        try:
            status = link.run(command, _writer(1), _writer(2), 0 if options.stdin else None,
                              options.timeout)
        except OSError as error:
            if isinstance(error, BrokenPipeError) or error.filename is None:
                raise
            print("guests/exec: %s: %s" % (error.filename, error.strerror), file=sys.stderr)
            return agent.start_code(error)
        except BaseException:
            link.sync(5)  # ends the command
            raise
    return agent.exit_code(status)


def _writer(fd):
    def write(data):
        while data:
            data = data[os.write(fd, data):]
    return write


def _named(name, text, argv):
    p = _parser(name, text)
    p.add_argument("name")
    return Guest(p.parse_args(argv).name)


def freeze(argv):
    _named("freeze", "Stop a guest's CPUs; its memory stays readable.", argv).freeze()


def thaw(argv):
    _named("thaw", "Let a frozen guest go on.", argv).thaw()


def stop(argv):
    p = _parser("stop", "End guests and remove what belongs to them.")
    p.add_argument("names", nargs="*", metavar="NAME")
    p.add_argument("--all", action="store_true", help="all guests")
    options = p.parse_args(argv)
    if bool(options.names) == options.all:
        p.error("give names or --all")
    for guest in all_guests() if options.all else [Guest(n) for n in options.names]:
        guest.stop()


def _facts(guest):
    return dict(guest.info(), status=guest.status())


def _listed(guest):
    """One guest that is stopped, or being dumped, doesn't keep the others from being listed."""
    try:
        status = guest.status(timeout=5)
    except GuestError:
        status = "busy"
    return dict(guest.info(), status=status)


def list_(argv):
    p = _parser("list", "List the guests.")
    p.add_argument("--json", action="store_true")
    options = p.parse_args(argv)
    facts = [_listed(g) for g in all_guests()]
    if options.json:
        print(json.dumps(facts, indent=1))
        return
    row = "%-16s %7s %-8s %-28s %4s %7s %-8s %s"
    print(row % ("NAME", "PID", "STATUS", "KERNEL", "CPUS", "MEMORY", "RAM", "SCENARIO"))
    for f in facts:
        print(row % (f["name"], f["pid"], f["status"] if f["ready"] else "booting", f["kernel"],
                     f["cpus"], "%dM" % (f["memory"] >> 20), f["ram"], f["scenario"]))


def info(argv):
    p = _parser("info", "Show what is known about a guest.")
    p.add_argument("name")
    p.add_argument("--json", action="store_true")
    options = p.parse_args(argv)
    facts = _facts(Guest(options.name))
    if options.json:
        print(json.dumps(facts, indent=1))
        return
    for key, value in facts.items():
        print("%-17s %s" % (key, "-" if value is None else value))


def _capture_arguments(p):
    p.add_argument("--path", action="append", default=[], help="what to read (default /proc; repeatable)")
    p.add_argument("--only", action="append", default=[], metavar="NAME",
                   help="only files called so, or in folders called so (repeatable)")
    p.add_argument("--skip", action="append", default=[], metavar="NAME",
                   help="no files or folders called so (repeatable)")
    p.add_argument("--full", action="store_true",
                   help="costly files too, and /proc/PID/net of every process, not one a namespace")
    p.add_argument("--buffer", type=int, default=64, metavar="MIB",
                   help="room for all captures in the guest's memory (default 64)")


def _capture_words(options):
    words = ["--buffer", str(options.buffer)] + (["--all"] if options.full else [])
    for name in options.only:
        words += ["--only", name]
    for name in options.skip:
        words += ["--skip", name]
    return words + options.path


def oracle(argv):
    p = _parser("oracle", "Let a guest read its own /proc twice and freeze itself at once: what it printed "
                "goes to DIR/first.cap and DIR/second.cap (see guests/archive), and its memory stays as it "
                "was then until guests/thaw.")
    p.add_argument("name")
    p.add_argument("directory", metavar="DIR")
    p.add_argument("--thaw", action="store_true", help="let the guest go on afterwards")
    _capture_arguments(p)
    options = p.parse_args(argv)
    guest = Guest(options.name)
    captures.oracle(guest, options.directory, _capture_words(options))
    if options.thaw:
        guest.thaw()


def archive(argv):
    p = _parser("archive", "Look into a capture made by guests/oracle.")
    p.add_argument("file")
    p.add_argument("path", nargs="?", help="print what was read from this path; without it, list all")
    p.add_argument("--extract", metavar="DIR", help="write the files (and links, as files) below DIR")
    options = p.parse_args(argv)
    held = captures.Capture.read(options.file)
    if options.extract:
        for path, entry in held.items():
            if entry.kind != captures.FOLDER:
                target = os.path.join(os.fsencode(options.extract), path.lstrip(b"/"))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as f:
                    f.write(entry.data)
    elif options.path:
        entry = held.get(os.fsencode(options.path))
        if not entry:
            raise GuestError("%s does not hold %s" % (options.file, options.path))
        if entry.error:
            raise GuestError("%s: %s" % (options.path, os.strerror(entry.error)))
        _writer(1)(entry.data)
    else:
        kinds = {captures.FILE: "file", captures.LINK: "link", captures.FOLDER: "dir"}
        for path, entry in held.items():
            print(kinds[entry.kind], entry.error, len(entry.data), os.fsdecode(path))


def dump(argv):
    p = _parser("dump", "Write a guest's physical memory to a file; a running guest stands still meanwhile.")
    p.add_argument("name")
    p.add_argument("file")
    p.add_argument("--raw", action="store_true",
                   help="an image in which the file offset is the physical address (sparse), not an ELF core")
    options = p.parse_args(argv)
    Guest(options.name).dump(os.path.abspath(options.file), options.raw)
