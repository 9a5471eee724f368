#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netstat is run in an (emulated) enclave until it leaves it neither for memory nor for the time, as it does when
the device isn't kept from its processor for long.

usage: enclave_exits.py BUILD

Exits 77 (skipped) where enclaves can't be built (`make enclave`), and on one processor.
"""
import json
import os
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/lib"))
sys.dont_write_bytecode = True

import enclave  # noqa: E402
import guest  # noqa: E402

NAME = f"exits-{os.getpid()}"
TRIES = 100


def counts(e, image):
    left = ""
    for _ in range(TRIES):
        status, _, said = e.run(NAME, image, "-tuan", options=["--stats"])
        left = re.findall(r"\d+ times \((?:memory:.*|the time)\)", said) + \
            re.findall(r"(?:[3-9]|\d\d+) times \(writing\)", said)
        if not status and "session: worker" in said and not left:
            said_json = json.loads(e.run(NAME, image, "-tuan", options=["--stats", "--json"])[2].splitlines()[-1])
            assert any(c["name"] == "session: worker" for c in said_json["enclave"]["calls"]), said_json
            print("exits: netstat -tuan leaves for memory never, to write once or twice:", re.search(r"\d+ entries", said)[0])
            return 0
    print(f"exits: netstat -tuan leaves for memory in each of {TRIES} runs: {left}")
    return 1


def main():
    if os.cpu_count() == 1:
        raise enclave.Missing("one processor: the device runs only while the enclave doesn't")
    with enclave.enclaves(sys.argv[1]) as e:
        image = e.tool("netstat")
        with guest.running(NAME, "--scenario", "stock"), e.device():
            return counts(e, image)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except enclave.Missing as why:
        print("exits: skipped:", why)
        sys.exit(77)
