#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each command and option that a program's --help names is explained in its manual page, and no other.

usage: tests/manuals.py MAN-FOLDER SCWATCHER SCWATCHERD
"""
import pathlib
import re
import subprocess
import sys


def help_of(*command):
    return subprocess.run([*command, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout


def missing(page, texts):
    manual = re.sub(r"\\f[BIRP]", "", pathlib.Path(page).read_text(encoding="utf-8")).replace("\\-", "-")
    options = re.search(r"^\.SH OPTIONS\n(.*?)^\.SH ", manual, re.M | re.S)[1]
    explained = set(re.findall(r"(?<![a-z])--[a-z-]+", "".join(re.findall(r"^\.TP\n(.*\n)", options, re.M))))
    words = set(re.findall(r"^  (--[a-z-]+)", "\n".join(texts), re.M))
    return words, sorted(words ^ explained)


def main():
    folder, scwatcher, scwatcherd = sys.argv[1:]
    text = help_of(scwatcher)
    commands = re.findall(r"^  ([a-z]+) ", text, re.M)
    texts = [text] + [help_of(scwatcher, command) for command in commands]
    bare = [c for c, t in zip(commands, texts[1:]) if not re.search(r"\n\n\S.*\n(?s:.)*Options:", t)]
    failed = len(commands) < 8 or bool(bare)
    for command in bare:
        print(f"scwatcher {command} --help says nothing of what it does")
    for page, texts in ((f"{folder}/scwatcher.1", texts), (f"{folder}/scwatcherd.8", [help_of(scwatcherd)])):
        words, lacking = missing(page, texts)
        print(f"{page}: {len(words)} options, only there or only in --help: {' '.join(lacking) or 'none'}")
        failed |= bool(lacking) or len(words) < 10
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
