# SPDX-License-Identifier: MIT
"""Where things are kept, and locks on them."""

import contextlib
import fcntl
import os
import shutil

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "src")


def cache_dir(*parts):
    """A folder for what can be made again: packages, unpacked kernels, root file systems."""
    base = os.environ.get("SCW_GUEST_CACHE")
    if not base:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        base = os.path.join(home, "scwatcher", "guests")
    path = os.path.join(base, *parts)
    os.makedirs(path, exist_ok=True)
    return path


def state_dir():
    """The folder of running guests: one sub-folder each."""
    path = os.environ.get("SCW_GUEST_STATE")
    if not path:
        base = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
        path = os.path.join(base, "scwatcher-guests-%d" % os.getuid())
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


@contextlib.contextmanager
def lock(path):
    """Holds an exclusive lock on a file (made if missing); waits for others."""
    with open(path, "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def building(target):
    """
    Yields a temporary path to build `target` at, or None if it is there. Others who want the same
    target wait; it appears whole or not at all.
    """
    if os.path.exists(target):
        yield None
        return
    with lock(target + ".lock"):
        if os.path.exists(target):
            yield None
            return
        part = "%s.part-%d" % (target, os.getpid())
        try:
            yield part
            os.rename(part, target)
        finally:
            if os.path.isdir(part):
                shutil.rmtree(part)
            elif os.path.exists(part):
                os.unlink(part)
