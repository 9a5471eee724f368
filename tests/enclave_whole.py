#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program in an (emulated) enclave doesn't end well when what it read of the guest wasn't whole: the device has
gone, or the enclave's memory is too small.

usage: enclave_whole.py BUILD

Exits 77 (skipped) where enclaves can't be built (`make enclave`).
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/lib"))
sys.dont_write_bytecode = True

import enclave  # noqa: E402
import guest  # noqa: E402
from device import children_of  # noqa: E402

NAME = f"whole-{os.getpid()}"
INCOMPLETE = 125


def run(e, image, word, between=lambda: None):
    """Exit status and errors of the program, which gets `word` after `between`."""
    process = subprocess.Popen(e.command(NAME, image), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    between()
    _, said = process.communicate(word)
    return process.returncode, said


def check(what, got, status, *texts):
    good = got[0] == status and all(text in got[1] for text in texts)
    print(f"whole: {what}: {'ok' if good else 'WRONG'}: {got[0]}" + ("" if good else f": {got[1]}"))
    return good


def main():
    with enclave.enclaves(sys.argv[1]) as e:
        image = e.program(TOP / "enclave/trusted/tests/libc/whole.c")
        small = e.folder / "small.image"
        e.sign(image.with_suffix(""), small, "--heap", "8M")
        with guest.running(NAME, "--scenario", "stock"), e.device() as device:
            def end_session():
                for worker in children_of(device.pid):
                    os.kill(worker, signal.SIGKILL)
                time.sleep(1.5)  # what was read is too old then

            good = [check("the guest is there", run(e, image, "again\n"), 0),
                    check("more memory than there is", run(e, small, "\n"), INCOMPLETE, "can't read the guest"),
                    check("the session goes, nothing is read", run(e, image, "\n", end_session), 0),
                    check("the session goes, then a file is read", run(e, image, "again\n", end_session),
                          INCOMPLETE, "may be incomplete")]
        return 0 if all(good) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except enclave.Missing as why:
        print("whole: skipped:", why)
        sys.exit(77)
