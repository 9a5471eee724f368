# SPDX-License-Identifier: MIT
"""The host's end of a channel to the guest's agent (frames: guests/src/wire.h)."""

import errno
import fcntl
import os
import select
import struct
import time

from . import GuestError

MAGIC = b"SCWF"
HEADER = struct.Struct("<4sII")
HOST_MAX = 4096
SYNC, COMMAND, START, STDIN, STDIN_END = 1, 2, 3, 4, 5
READY, STDOUT, STDERR, EXIT, FAILED = 16, 17, 18, 19, 20
F_SETPIPE_SZ = 1031


def _frame(kind, payload=b""):
    return HEADER.pack(MAGIC, kind, len(payload)) + payload


class Channel:
    """A locked channel: the FIFO pair PATH.in and PATH.out that QEMU holds open."""

    def __init__(self, path, alive):
        """alive: called now and then while waiting; raises if waiting is in vain."""
        self._alive = alive
        self._to = os.open(path + ".in", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._from = os.open(path + ".out", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        for fd in (self._to, self._from):
            try:
                fcntl.fcntl(fd, F_SETPIPE_SZ, 1 << 20)
            except OSError:
                pass  # over the user's limit: the default will do
        self._out = bytearray()
        self._in = bytearray()

    def close(self):
        os.close(self._to)
        os.close(self._from)

    def _pump(self, extra=(), timeout=1.0):
        """Sends and receives what can be; the `extra` descriptors that are readable."""
        readable, writable, _ = select.select([self._from, *extra],
                                              [self._to] if self._out else [], [], timeout)
        if writable:
            try:
                del self._out[:os.write(self._to, self._out[:65536])]
            except BlockingIOError:
                pass
        if self._from in readable:
            try:
                self._in += os.read(self._from, 1 << 20)
            except BlockingIOError:
                pass
        if not readable and not writable:
            self._alive()
        return [fd for fd in extra if fd in readable]

    def sync(self, timeout):
        """Makes the agent drop what came before on this channel."""
        nonce = os.urandom(16)
        want = _frame(READY, nonce)
        self._out = bytearray(b"\0" * (HOST_MAX + HEADER.size) + _frame(SYNC, nonce))
        end = time.monotonic() + timeout
        while True:
            at = self._in.find(want)
            if at >= 0:
                del self._in[:at + len(want)]
                return
            del self._in[:max(0, len(self._in) - len(want))]
            if time.monotonic() > end:
                raise GuestError("the guest's agent does not answer")
            self._pump(timeout=0.2)

    def run(self, argv, stdout, stderr, stdin=None, timeout=None):
        """
        Runs a command. stdout and stderr are called with bytes; stdin is a descriptor or None.
        Returns the wait status; raises OSError if the command could not be started.
        """
        words = b"".join(os.fsencode(a) + b"\0" for a in argv)
        for at in range(0, len(words), HOST_MAX):
            self._out += _frame(COMMAND, words[at:at + HOST_MAX])
        self._out += _frame(START)
        if stdin is None:
            self._out += _frame(STDIN_END)
        end = time.monotonic() + timeout if timeout else None
        sinks = {STDOUT: stdout, STDERR: stderr}
        while True:
            want_input = stdin is not None and len(self._out) < 65536
            for fd in self._pump([stdin] if want_input else []):
                data = os.read(fd, HOST_MAX)
                self._out += _frame(STDIN, data) if data else _frame(STDIN_END)
                if not data:
                    stdin = None
            for kind, payload in self._frames():
                if kind in sinks:
                    sinks[kind](payload)
                elif kind == EXIT:
                    return struct.unpack("<I", payload)[0]
                elif kind == FAILED:
                    number = struct.unpack("<I", payload)[0]
                    raise OSError(number, os.strerror(number), argv[0])
            if end and time.monotonic() > end:
                raise GuestError("the command did not end within %d s" % timeout)

    def send_input(self, data):
        """Sends bytes to the standard input of a command that run() was left from."""
        self._out += _frame(STDIN, data)
        while self._out:
            self._pump()

    def _frames(self):
        at = 0
        frames = []
        view = self._in
        while len(view) - at >= HEADER.size:
            magic, kind, length = HEADER.unpack_from(view, at)
            if magic != MAGIC:
                raise GuestError("the guest's agent sends something else than frames")
            if len(view) - at < HEADER.size + length:
                break
            at += HEADER.size
            frames.append((kind, bytes(view[at:at + length])))
            at += length
        del self._in[:at]
        return frames


def exit_code(status):
    """A wait status as a shell would report it."""
    return 128 + (status & 0x7f) if status & 0x7f else (status >> 8) & 0xff


def start_code(error):
    """What a shell returns when a command can't be started."""
    return 127 if error.errno == errno.ENOENT else 126
