# SPDX-License-Identifier: MIT
"""A small client of QEMU's machine protocol (QMP)."""

import json
import os
import socket
import time

from . import GuestError


def connect_unix(path, timeout):
    """Connects to a UNIX socket however long its path is, and waits while others queue for it."""
    directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    give_up = time.monotonic() + timeout
    try:
        sock.settimeout(timeout)
        while True:
            try:
                sock.connect("/proc/self/fd/%d/%s" % (directory, os.path.basename(path)))
                break
            except BlockingIOError:  # a full backlog, which connect(2) doesn't wait for
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
    except OSError:
        sock.close()
        raise
    finally:
        os.close(directory)
    return sock


class Qmp:
    """One connection; QEMU serves one client at a time, so keep it short."""

    def __init__(self, path, timeout=30):
        try:
            self._sock = connect_unix(path, timeout)
            self._file = self._sock.makefile("rwb", 0)
            self.events = []
            self._read()  # greeting
            self.command("qmp_capabilities")
        except OSError as error:
            raise GuestError("cannot talk to QEMU over %s: %s" % (path, error)) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._sock.close()

    def _read(self):
        line = self._file.readline()
        if not line:
            raise GuestError("QEMU closed its control socket")
        return json.loads(line)

    def command(self, name, **arguments):
        """Runs a command; its result. Events seen meanwhile go to `events`."""
        request = {"execute": name}
        if arguments:
            request["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        self._file.write(json.dumps(request).encode() + b"\n")
        while True:
            try:
                answer = self._read()
            except socket.timeout:
                raise GuestError("QEMU does not answer %s" % name) from None
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise GuestError("QEMU refuses %s: %s" % (name, answer["error"]["desc"]))
            else:
                return answer["return"]

    def wait_event(self, names):
        """Waits (at most the timeout) for one of the events."""
        while True:
            for event in self.events:
                if event["event"] in names:
                    return event
            try:
                answer = self._read()
            except socket.timeout:
                raise GuestError("QEMU did not report %s" % " or ".join(names)) from None
            if "event" in answer:
                self.events.append(answer)
