# SPDX-License-Identifier: MIT
"""A guest for the time of a `with`.

    with guest.running("web1", "--scenario", "stock") as name:
        ...
"""
import contextlib
import os
import pathlib
import subprocess

GUESTS = pathlib.Path(__file__).resolve().parents[2] / "guests"


def stop(name):
    subprocess.run([GUESTS / "stop", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


@contextlib.contextmanager
def running(name, *options):
    """Boots it with these options of guests/boot. It ends with us, also when we are killed; one of this name is removed."""
    stop(name)
    done = subprocess.run([GUESTS / "boot", "--name", name, "--with", str(os.getpid()), *map(str, options)],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if done.returncode:
        raise RuntimeError(f"guests/boot {name}: {done.stderr}")
    try:
        yield name
    finally:
        stop(name)
