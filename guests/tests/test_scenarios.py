#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the stock scenario and checks that it holds what it promises, and that the oracle agrees with it."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

GUESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(GUESTS, "lib"))
sys.dont_write_bytecode = True

from scwguests.capture import FILE, FOLDER, LINK, Capture  # noqa: E402


def call(command, *arguments):
    done = subprocess.run([os.path.join(GUESTS, command), *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


class Stock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.state = tempfile.TemporaryDirectory(prefix="scw-")
        os.environ["SCW_GUEST_STATE"] = os.path.join(cls.state.name, "g")
        cls.name = "stock-%d" % os.getpid()
        code, _, err = call("boot", "--name", cls.name, "--scenario", "stock", "--timeout", "400", "--with",
                            str(os.getpid()))
        if code:
            raise RuntimeError(err.decode("utf-8", "replace"))
        directory = os.path.join(cls.state.name, "oracle")
        code, _, err = call("oracle", cls.name, directory)
        if code:
            raise RuntimeError(err.decode("utf-8", "replace"))
        cls.first = Capture.read(os.path.join(directory, "first.cap"))
        cls.second = Capture.read(os.path.join(directory, "second.cap"))
        with open(os.path.join(directory, "oracle.json")) as f:
            cls.facts = json.load(f)

    @classmethod
    def tearDownClass(cls):
        call("stop", "--all")
        cls.state.cleanup()

    def rows(self, path):
        return self.second[path].data.splitlines()[1:]

    def test_freezes_at_the_end_of_the_capture(self):
        self.assertEqual(json.loads(call("info", self.name, "--json")[1])["status"], "frozen")
        code, out, _ = call("dump", "--raw", self.name, os.path.join(self.state.name, "raw"))
        self.assertEqual((code, out), (0, b""))
        with open(os.path.join(self.state.name, "raw"), "rb") as image, \
                open(self.facts["guest"]["ram_file"], "rb") as ram:
            self.assertTrue(image.read() == ram.read())

    def test_captures_have_files_links_and_folders(self):
        self.assertEqual(self.second[b"/proc/self"].kind, LINK)
        self.assertEqual(self.second[b"/proc/self"].data, b"%d" % self.facts["capture_pid"])
        self.assertEqual(self.second[b"/proc/1/task"].kind, FOLDER)
        self.assertEqual(self.second.names(b"/proc/1/task"), [b"1"])
        self.assertEqual(self.second[b"/proc/1/comm"], self.second[b"/proc/1/comm"]._replace(
            kind=FILE, error=0, data=b"init\n"))
        self.assertTrue(self.second[b"/proc/sys/kernel/pid_max"].data.strip().isdigit())

    def test_is_idle(self):
        """Only what counts time and switches differs between two readings."""
        self.assertEqual(set(self.first), set(self.second))
        same = (b"/cmdline", b"/environ", b"/maps", b"/mountinfo", b"/cgroup", b"/limits", b"/exe", b"/cwd",
                b"/net/unix", b"/net/udp", b"/net/raw", b"/net/arp", b"/net/route",
                b"/net/igmp", b"/net/if_inet6", b"/locks", b"/swaps")
        differ = [p for p, e in self.first.items()
                  if p.endswith(same) and e.data != self.second[p].data]
        self.assertEqual(differ, [])

    def test_has_every_tcp_state(self):
        for name in (b"/proc/1/net/tcp", b"/proc/1/net/tcp6"):
            states = {int(row.split()[3], 16) for row in self.rows(name)}
            # all but CLOSE (7) and NEW_SYN_RECV (shown as SYN_RECV)
            self.assertEqual(states, {1, 2, 3, 4, 5, 6, 8, 9, 10, 11}, name)
            timers = {row.split()[5][:2] for row in self.rows(name)}
            self.assertEqual(timers, {b"00", b"01", b"02", b"03", b"04"}, name)

    def test_has_every_kind_of_socket(self):
        for name in ("udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6", "packet", "netlink",
                     "unix", "arp", "igmp", "igmp6"):
            self.assertGreater(len(self.rows(b"/proc/1/net/" + name.encode())), 1, name)

    def test_has_every_task_state(self):
        states = {e.data.rpartition(b")")[2].split()[0] for p, e in self.second.items()
                  if p.count(b"/") == 3 and p.endswith(b"/stat")}
        self.assertGreaterEqual(states, {b"R", b"S", b"D", b"T", b"t", b"Z", b"I"})

    def test_has_namespaces_within_namespaces(self):
        depths = [len(line.split()) - 1 for p, e in self.second.items()
                  if p.count(b"/") == 3 and p.endswith(b"/status")
                  for line in e.data.splitlines() if line.startswith(b"NSpid:")]
        self.assertEqual(max(depths), 3)
        networks = {e.data for p, e in self.second.items() if p.endswith(b"/ns/net") and not e.error}
        self.assertGreaterEqual(len(networks), 5)

    def test_refuses_only_what_this_kernel_lacks(self):
        call("thaw", self.name)
        notes = call("exec", self.name, "--", "cat", "/run/scwatcher-load.notes")[1].splitlines()
        self.assertEqual([n for n in notes if not n.startswith(b"netlink: netlink protocol")], [])


if __name__ == "__main__":
    unittest.main()
