#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check every #include "..." against the table of parts in docs/ARCHITECTURE.md.

usage: tests/arrows.py TOP

A part may include its own headers and those of the parts that the table allows; nobody climbs out
of a folder with "..". Prints each breach as FILE:LINE and exits 1 if there is one.
"""
import pathlib
import re
import sys

ROW = re.compile(r"^\| (\w+) \| (\S+) \| .* \| ([^|]+) \|$")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def read_table(top):
    parts = {}
    for line in (top / "docs/ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        row = ROW.match(line)
        if row and (top / row[2]).is_dir():
            allowed = row[3].strip()
            parts[row[1]] = (top / row[2], None if allowed == "everything" else
                             set() if allowed == "-" else set(allowed.split()))
    return parts


def breaches(top, parts):
    for name, (folder, allowed) in sorted(parts.items()):
        for path in sorted(folder.rglob("*.[ch]")):
            inside_tests = "tests" in path.relative_to(folder).parts
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                where = f"{path.relative_to(top)}:{number}"
                target = found[1]
                if ".." in pathlib.PurePath(target).parts and not inside_tests:
                    yield f'{where}: #include "{target}" climbs out of its folder'
                part = target.split("/")[0]
                if part not in parts or part == name or allowed is None or inside_tests:
                    continue
                if part not in allowed:
                    yield f"{where}: {name} may not use {part}"


def main():
    top = pathlib.Path(sys.argv[1]).resolve()
    parts = read_table(top)
    if len(parts) < 5:
        print("arrows: no table of parts in docs/ARCHITECTURE.md", file=sys.stderr)
        return 1
    found = list(breaches(top, parts))
    for breach in found:
        print(breach)
    print(f"arrows: {len(parts)} parts, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
