#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netstat in an enclave in each mode of the emulation: the very same bytes. The guest stands still meanwhile.

usage: enclave_modes.py BUILD [--name NAME] MODE...

The first run reads what it has to know of the guest's kernel out of its memory, the others have it measured. Exits 77
(skipped) where enclaves can't be built (`make enclave`). Mode step takes a quarter of an hour or so: an AEX
after each instruction, some 30,000 in a second.
"""
import pathlib
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests/lib"))

import enclave  # noqa: E402
import guest  # noqa: E402

ARGUMENTS = ["-tuan"]


def check(e, name, modes):
    image, known, kernel = e.tool("netstat"), e.folder / "known", e.folder / "kernel"
    enclave.must(e.scwatcher, "info", name, "--save-kernel", kernel)
    e.sign(e.build / "enclave-tools" / "netstat", known, f"--file={kernel}=/etc/scwatcher/kernels/guest")
    good = True
    with e.device():
        first = e.run(name, image, *ARGUMENTS)
        if first[0] or len(first[1].splitlines()) < 20:
            raise SystemExit(f"modes: plain: {first}")
        for mode in modes:
            begun = time.monotonic()
            code, out, err = e.run(name, known, *ARGUMENTS, mode=mode)
            same = (code, out) == first[:2]
            print(f"modes: {mode}: {'the same' if same else 'differs from'} {len(first[1])} bytes, "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
            if not same:
                print(f"exit status {code}\n{err}{out}")
            good = good and same
    return 0 if good else 1


def main():
    words = sys.argv[2:]
    name = "enclave-modes"
    if words[0] == "--name":
        name = words[1]
        words = words[2:]
    try:
        with enclave.enclaves(sys.argv[1]) as e:
            with guest.running(name, "--scenario", "stock"):
                enclave.must(TOP / "guests/freeze", name)
                return check(e, name, words)
    except enclave.Missing as why:
        print("modes: skipped:", why)
        return 77


if __name__ == "__main__":
    sys.exit(main())
