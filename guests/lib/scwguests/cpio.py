# SPDX-License-Identifier: MIT
"""
Writes the kernel's initramfs format (cpio "newc"), with owners as on an installed machine whoever
runs this, and without need of root.
"""

import os
import stat


class Tree:
    """Files to archive by their path in the archive (no leading slash)."""

    def __init__(self):
        self._entries = {}

    def _parents(self, path):
        parent = os.path.dirname(path)
        if parent and parent not in self._entries:
            self._parents(parent)
            self._entries[parent] = (stat.S_IFDIR | 0o755, b"", None, (0, 0))

    def directory(self, path, mode=0o755):
        self._parents(path)
        self._entries[path] = (stat.S_IFDIR | mode, b"", None, (0, 0))

    def symlink(self, path, target):
        self._parents(path)
        self._entries[path] = (stat.S_IFLNK | 0o777, os.fsencode(target), None, (0, 0))

    def data(self, path, content, mode=0o644):
        self._parents(path)
        self._entries[path] = (stat.S_IFREG | mode, content, None, (0, 0))

    def file(self, path, source, mode=None):
        """A file whose content is read from `source` when the archive is written."""
        self._parents(path)
        if mode is None:
            mode = stat.S_IMODE(os.lstat(source).st_mode)
        self._entries[path] = (stat.S_IFREG | mode, None, source, (0, 0))

    def device(self, path, mode, numbers):
        self._parents(path)
        self._entries[path] = (mode, b"", None, numbers)

    def __contains__(self, path):
        return path in self._entries

    def target(self, path):
        """What a symlink points to, or None."""
        entry = self._entries.get(path)
        return os.fsdecode(entry[1]) if entry and stat.S_ISLNK(entry[0]) else None

    def write(self, out):
        """Writes the archive, padded so that another can follow."""
        written = 0
        for number, path in enumerate(sorted(self._entries), 1):
            mode, content, source, numbers = self._entries[path]
            if content is None:
                with open(source, "rb") as f:
                    content = f.read()
            written += _record(out, number, path, mode, content, numbers)
        written += _record(out, 0, "TRAILER!!!", 0, b"", (0, 0))
        out.write(b"\0" * (-written % 512))


def _record(out, inode, path, mode, content, numbers):
    name = os.fsencode(path) + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, numbers[0], numbers[1], len(name), 0)
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name
    head += b"\0" * (-len(head) % 4)
    out.write(head)
    out.write(content)
    pad = -len(content) % 4
    out.write(b"\0" * pad)
    return len(head) + len(content) + pad
