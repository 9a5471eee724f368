#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the table of system calls in docs/ENCLAVE.md with the one in the source.

usage: calls_doc.py TOP [--print]

Both are lists of names under INSIDE, GUEST, PROXIED and REFUSED. --print writes the rows that the
document should have.
"""
import pathlib
import re
import sys
import textwrap

CALL = re.compile(r"^CALL\((\w+), (\w+), (.*)\)$", re.M)
ROW = re.compile(r"^\*\*(INSIDE|GUEST|PROXIED|REFUSED)\*\*[^:]*: ((?:.|\n)*?)\n\n", re.M)
HEADS = {
    "INSIDE": "done in the enclave",
    "GUEST": "answered from the guest",
    "PROXIED": "may go outside",
    "REFUSED": "refused, with an errno by which programs go on",
}


def main():
    top = pathlib.Path(sys.argv[1])
    wanted = {}
    for where, name, _ in CALL.findall((top / "enclave/trusted/calls.list.h").read_text()):
        wanted.setdefault(where, set()).add(name)
    if "--print" in sys.argv:
        for where, head in HEADS.items():
            text = f"**{where}**, {head}: " + ", ".join(f"`{n}`" for n in sorted(wanted[where])) + "."
            print(textwrap.fill(text, 118, break_on_hyphens=False) + "\n")
        return 0
    found = {where: set(re.findall(r"`(\w+)`", names))
             for where, names in ROW.findall((top / "docs/ENCLAVE.md").read_text())}
    bad = 0
    for where in HEADS:
        for name in sorted(wanted.get(where, set()) ^ found.get(where, set())):
            side = "the document" if name in wanted.get(where, set()) else "the source"
            print(f"{where}: {name} isn't in {side}")
            bad += 1
    total = sum(map(len, wanted.values()))
    print(f"{total} calls, {bad} differences")
    return 1 if bad or total < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
