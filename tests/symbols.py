#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare what discovery finds in a guest's memory with the guest's own /proc/kallsyms.

usage: tests/symbols.py SYMCHECK [--kernel RELEASE] [guests/boot's other options]

Boots a guest, reads its /proc/kallsyms from inside, and lets the symcheck tool compare every symbol
of the kernel image, by name and by address. Exit status 1 when one differs.
"""
import json
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/lib"))
sys.dont_write_bytecode = True

import guest  # noqa: E402

NAME = "scw-symbols"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    symcheck, options = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    with guest.running(NAME, *options):
        info = json.loads(subprocess.run([TOP / "guests/info", NAME, "--json"],
                                         stdout=subprocess.PIPE, check=True).stdout)
        text = subprocess.run([TOP / "guests/exec", NAME, "--", "cat", "/proc/kallsyms"],
                              stdout=subprocess.PIPE, check=True).stdout
        return subprocess.run([symcheck, info["ram_file"]], input=text).returncode


if __name__ == "__main__":
    sys.exit(main())
