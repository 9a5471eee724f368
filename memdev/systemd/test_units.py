#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""systemd finds nothing wrong with the units, and the services are confined as much as they say.

usage: test_units.py BUILT SOURCE SCWATCHERD    folders of the units, and what they start
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# of 10 at most: what systemd-analyze security makes of them
EXPOSURE = {"scwatcherd.service": 4.5, "scwatcherd-mount.service": 6.5}


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


def main():
    built, source, scwatcherd = (pathlib.Path(word).resolve() for word in sys.argv[1:])
    if not shutil.which("systemd-analyze"):
        print("skipped: no systemd-analyze")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for path in [*built.glob("*.service"), *source.glob("*.socket")]:
            text = re.sub(r"^ExecStart=\S+", f"ExecStart={scwatcherd}", path.read_text(encoding="utf-8"),
                          flags=re.M)
            (folder / path.name).write_text(text, encoding="utf-8")
        units = sorted(folder.iterdir())
        # an error, or a setting that it doesn't know, is a line; others are of the machine's own units
        said = analyze("verify", "--man=no", *units)
        if len(units) != 4 or said.returncode or "scwatcher" in said.stdout:
            print(f"{[u.name for u in units]}: {said.stdout}")
            return 1
        for unit, most in EXPOSURE.items():
            said = analyze("security", "--offline=yes", folder / unit)
            level = re.search(r"exposure level for \S+: ([0-9.]+)", said.stdout)
            print(f"{unit}: exposure {level[1] if level else said.stdout}, at most {most}")
            if not level or float(level[1]) > most:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
