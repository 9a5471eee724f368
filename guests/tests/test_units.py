#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What of the guests' tooling can be tested without a guest."""

import contextlib
import io
import os
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))
sys.dont_write_bytecode = True

from scwguests import GuestError, agent, kernel, machine  # noqa: E402
from scwguests.capture import RECORD, Capture  # noqa: E402
from scwguests.cpio import Tree  # noqa: E402


def bzimage(release):
    image = bytearray(0x2000)
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x20e, 0x300)
    text = release.encode() + b" (builder@host) #1\0"
    image[0x500:0x500 + len(text)] = text
    return bytes(image)


def module(*depends, softdep=None):
    info = b"\0depends=" + ",".join(depends).encode() + b"\0"
    return b"\x7fELF" + info + (b"softdep=pre: " + softdep.encode() + b"\0" if softdep else b"")


class Units(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, path, content):
        path = os.path.join(self.folder.name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)

    def test_kernel_of_a_folder(self):
        self.write("boot/vmlinuz-9.9.9-test", bzimage("9.9.9-test"))
        base = "usr/lib/modules/9.9.9-test/kernel/"
        self.write(base + "a-a.ko", module("b_b", softdep="c post: d"))
        self.write(base + "b_b.ko.xz", __import__("lzma").compress(module("c")))
        self.write(base + "c.ko", module())
        found = kernel.Kernel(self.folder.name, "test")
        self.assertEqual(found.release, "9.9.9-test")
        self.assertEqual([n for n, _ in found.module_order(["absent", "a_a"])], ["c", "b_b", "a_a"])

    def test_a_guest_ends_with_the_process_that_it_is_for(self):
        with unittest.mock.patch.dict(os.environ, SCW_GUEST_STATE=os.path.join(self.folder.name, "state")):
            guest, other = machine.Guest("with"), machine.Guest("other")
            self.assertTrue(guest.claim() and other.claim())
            with subprocess.Popen(["sleep", "1000"]) as process:
                guest.end_with(process.pid)
                process.kill()
                process.wait()
                with self.assertRaisesRegex(GuestError, "can't watch process"):
                    other.end_with(process.pid)
            end = time.monotonic() + 60
            while os.path.exists(guest.directory) and time.monotonic() < end:
                time.sleep(0.01)
            self.assertFalse(os.path.exists(guest.directory))
            self.assertTrue(os.path.exists(other.directory))

    def test_kernel_without_modules_is_one(self):
        self.write("vmlinuz", bzimage("1.2.3"))
        found = kernel.Kernel(self.folder.name, "test")
        self.assertEqual((found.release, found.modules, found.module_order(["x"])), ("1.2.3", None, []))

    def test_file_that_is_no_package(self):
        self.write("vmlinuz", bzimage("1.2.3"))
        with self.assertRaisesRegex(GuestError, "neither a .deb file nor a folder"):
            kernel.find([os.path.join(self.folder.name, "vmlinuz")])

    def test_split_packages(self):
        class Archive:
            packages = {"linux-image-9": "kmod, linux-base-9 (= 1), linux-binary-9 (= 1), linux-modules-9 (= 1)",
                        "linux-binary-9": "", "linux-modules-9": ""}

            def versions(self, name):
                return ["1"] if name in self.packages else []

            def field(self, name, _):
                return self.packages.get(name, "")

        archive = Archive()
        self.assertEqual(sorted(kernel._with_parts(archive, "linux-image-9")),
                         ["linux-binary-9=1", "linux-image-9", "linux-modules-9=1"])
        # the archive drops the modules of old kernels before their images
        del archive.packages["linux-modules-9"]
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(sorted(kernel._with_parts(archive, "linux-image-9")), ["linux-binary-9=1", "linux-image-9"])
        self.assertIn("linux-modules-9 isn't in the archive", said.getvalue())

    def test_folder_without_kernel(self):
        with self.assertRaisesRegex(GuestError, "no boot/vmlinuz"):
            kernel.Kernel(self.folder.name, "test")
        self.write("boot/vmlinuz", b"not a kernel")
        with self.assertRaisesRegex(GuestError, "not an x86 Linux image"):
            kernel.Kernel(self.folder.name, "test")

    def test_newest_release_first_and_unsigned_before_signed(self):
        names = ["linux-image-6.1.0-9-amd64", "linux-image-6.1.0-10-amd64",
                 "linux-image-6.1.0-10-amd64-unsigned"]
        self.assertEqual(kernel._ranked(names), [names[2], names[1], names[0]])

    def test_sizes(self):
        self.assertEqual(machine.parse_size("512M"), 512 << 20)
        self.assertEqual(machine.parse_size("5G"), 5 << 30)
        for text in ("", "5X", "-1", "1M", "512"):
            with self.assertRaises(GuestError):
                machine.parse_size(text)

    def test_exit_codes(self):
        self.assertEqual(agent.exit_code(0x2a00), 42)
        self.assertEqual(agent.exit_code(9), 137)

    def test_cpio_unpacks(self):
        tree, out = Tree(), io.BytesIO()
        tree.data("a/b/file", b"12345", 0o600)
        tree.symlink("a/link", "b/file")
        tree.write(out)
        self.assertEqual(len(out.getvalue()) % 512, 0)
        names = [n for n in out.getvalue().split(b"\0") if n.startswith(b"070701")]
        self.assertEqual([n[110:] for n in names], [b"a", b"a/b", b"a/b/file", b"a/link", b"TRAILER!!!"])

    def test_captures_are_checked(self):
        data = (b"SCWCAP1\n" + RECORD.pack(1, 2, 5, 77, 3) + b"/axyz" + RECORD.pack(0, 0, 0, 0, 0))
        self.assertEqual(Capture.parse(data), {b"/a": (1, 5, 77, b"xyz")})
        for end in range(len(data)):
            with self.assertRaises(GuestError):
                Capture.parse(data[:end])


if __name__ == "__main__":
    unittest.main()
