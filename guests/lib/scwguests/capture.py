# SPDX-License-Identifier: MIT
"""Captures of a guest's /proc made by the guest itself (format: guests/src/capture.c)."""

import json
import os
import struct
import time
from collections import namedtuple

from . import GuestError
from .machine import TOOLS

MAGIC = b"SCWCAP1\n"
RECORD = struct.Struct("<HHiQQ")
HEAD = struct.Struct("<8sQQ2Q2Q")
PAGE = 4096
FILE, LINK, FOLDER = 1, 2, 3

Entry = namedtuple("Entry", "kind error when data")
Entry.__doc__ = """One path: kind (FILE, LINK, FOLDER), errno (0: none), CLOCK_BOOTTIME in ns, bytes."""


class Capture(dict):
    """Paths (bytes, such as b"/proc/1/stat") to Entry, in the order in which they were read."""

    @classmethod
    def parse(cls, data):
        if data[:8] != MAGIC:
            raise GuestError("not a capture")
        self, at = cls(), 8
        while True:
            if len(data) - at < RECORD.size:
                raise GuestError("the capture is cut short")
            kind, path_length, error, when, length = RECORD.unpack_from(data, at)
            at += RECORD.size
            if not kind:
                return self
            if len(data) - at < path_length + length:
                raise GuestError("the capture is cut short")
            path = bytes(data[at:at + path_length])
            at += path_length
            self[path] = Entry(kind, error, when, bytes(data[at:at + length]))
            at += length

    @classmethod
    def read(cls, path):
        with open(path, "rb") as f:
            return cls.parse(f.read())

    def names(self, path):
        """The names in a captured folder, in the order in which the kernel gave them."""
        return [item[1:] for item in self[path].data.split(b"\0") if item]


def capture(guest, arguments):
    """Captures once from a running guest: the archive's bytes."""
    code, out, err = guest.run([TOOLS + "/capture", *arguments])
    if code:
        raise GuestError("capture in guest %s: %s" % (guest.name, err.decode("utf-8", "replace").strip()))
    return out


def oracle(guest, directory, arguments):
    """
    Has the guest read its /proc twice and freeze itself right after; writes DIR/first.cap,
    DIR/second.cap and DIR/oracle.json. The guest stays frozen.
    """
    os.makedirs(directory, exist_ok=True)
    # sockets in TIME_WAIT are renewed now, and not again while we read
    guest.run(["pkill", "-USR1", "-x", "time-wait"])
    time.sleep(1)
    lines = bytearray()
    read_end, write_end = os.pipe()
    try:
        with guest.channel() as link, guest.qmp(timeout=600) as qmp:
            def heard(data):
                lines.extend(data)
                if lines.endswith(b"end\n"):
                    raise _Ready

            errors = bytearray()
            try:
                code = link.run([TOOLS + "/capture", "--freeze", *arguments], heard, errors.extend,
                                stdin=read_end, timeout=120)
                raise GuestError("capture in guest %s ended (%d): %s" %
                                 (guest.name, code, errors.decode("utf-8", "replace").strip()))
            except _Ready:
                pass
            runs = [tuple(map(int, line.split())) for line in lines.split(b"\n")[1:-2]]
            link.send_input(b"g")
            qmp.wait_event(("STOP",))
            guest.mark_frozen(True)
            frozen = time.time()
            memory = _Memory(guest, qmp, runs)
            magic, overflow, pid, at0, at1, size0, size1 = HEAD.unpack(memory.read(0, HEAD.size))
            if magic != b"SCWBUF1\n":
                raise GuestError("the capture's buffer is not where it was")
            if overflow:
                raise GuestError("the capture did not fit: give a larger --buffer")
            for name, at, size in (("first", at0, size0), ("second", at1, size1)):
                data = memory.read(at, size)
                Capture.parse(data)
                with open(os.path.join(directory, name + ".cap"), "wb") as f:
                    f.write(data)
            with open(os.path.join(directory, "oracle.json"), "w") as f:
                json.dump({"guest": guest.info(), "capture_pid": pid, "frozen_at": frozen}, f, indent=1)
    finally:
        os.close(read_end)
        os.close(write_end)


class _Ready(Exception):
    """The guest has announced its buffer and waits."""


class _Memory:
    """The capture's buffer, fetched from the frozen guest's physical memory run by run."""

    def __init__(self, guest, qmp, runs):
        self._guest, self._qmp, self._runs = guest, qmp, runs

    def read(self, offset, size):
        parts, at = [], 0
        path = self._guest.path("frames")
        for start, count in self._runs:
            length = count * PAGE
            low, high = max(offset, at), min(offset + size, at + length)
            if low < high:
                self._qmp.command("pmemsave", val=start * PAGE + low - at, size=high - low,
                                  filename="frames")
                with open(path, "rb") as f:
                    parts.append(f.read())
                os.unlink(path)
            at += length
        return b"".join(parts)
