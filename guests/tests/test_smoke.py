#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots a guest and checks what the guests/ commands promise: exact bytes, statuses, nothing left behind."""

import glob
import hashlib
import json
import os
import subprocess
import tempfile
import unittest

GUESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def call(command, *arguments, data=None):
    done = subprocess.run([os.path.join(GUESTS, command), *arguments], input=data,
                          stdin=subprocess.DEVNULL if data is None else None,
                          capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


def runs(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.state = tempfile.TemporaryDirectory(prefix="scw-")
        os.environ["SCW_GUEST_STATE"] = cls.state.name
        cls.name = "smoke-%d" % os.getpid()
        code, out, err = call("boot", "--name", cls.name, "--with", str(os.getpid()))
        if code:
            raise RuntimeError(err.decode("utf-8", "replace"))
        assert out == cls.name.encode() + b"\n", out

    @classmethod
    def tearDownClass(cls):
        call("stop", "--all")
        cls.state.cleanup()

    def facts(self):
        return json.loads(call("info", self.name, "--json")[1])

    def test_exec_gives_exact_bytes_and_status(self):
        script = r"printf '\000\377out\n'; printf 'err\200' >&2; exit 42"
        self.assertEqual(call("exec", self.name, "--", "bash", "-c", script),
                         (42, b"\0\xffout\n", b"err\x80"))

    def test_exec_passes_arguments_unchanged(self):
        words = ["", "a b", "new\nline", "tab\t", "'\"\\", "\u00e9", "-n"]
        code, out, _ = call("exec", self.name, "--", "printf", r"%s\0", *words)
        self.assertEqual((code, out), (0, b"".join(w.encode() + b"\0" for w in words)))

    def test_exec_says_what_cannot_run(self):
        code, out, err = call("exec", self.name, "--", "/no/such/program")
        self.assertEqual((code, out), (127, b""))
        self.assertIn(b"/no/such/program", err)
        self.assertEqual(call("exec", self.name, "--", "/etc/passwd")[0], 126)
        self.assertEqual(call("exec", self.name, "--", "bash", "-c", "kill -9 $$")[0], 137)

    def test_exec_carries_many_megabytes(self):
        size = 24 << 20
        code, out, _ = call("exec", self.name, "--", "bash", "-c",
                            "head -c %d /dev/urandom | tee >(sha256sum >/tmp/sum)" % size)
        self.assertEqual((code, len(out)), (0, size))
        digest = call("exec", self.name, "--", "bash", "-c",
                      "until [ -s /tmp/sum ]; do sleep .1; done; cat /tmp/sum")[1].split()[0]
        self.assertEqual(digest.decode(), hashlib.sha256(out).hexdigest())

    def test_exec_carries_standard_input(self):
        data = os.urandom(3 << 20)
        self.assertEqual(call("exec", "-i", self.name, "--", "cat", data=data), (0, data, b""))
        self.assertEqual(call("exec", self.name, "--", "cat"), (0, b"", b""))

    def test_exec_runs_at_once_and_leaves_background_processes(self):
        running = [subprocess.Popen([os.path.join(GUESTS, "exec"), self.name, "--", "bash", "-c",
                                     "sleep 1; echo %d" % i], stdout=subprocess.PIPE) for i in range(6)]
        self.assertEqual([p.communicate()[0] for p in running], [b"%d\n" % i for i in range(6)])
        code, out, _ = call("exec", self.name, "--", "bash", "-c", "setsid sleep 60 & echo started")
        self.assertEqual((code, out), (0, b"started\n"))
        for _ in range(100):  # it may not have got as far as executing sleep
            if call("exec", self.name, "--", "pkill", "-x", "sleep")[0] == 0:
                return
        self.fail("the background process is gone")

    def test_freeze_and_thaw(self):
        self.assertEqual(call("freeze", self.name)[0], 0)
        try:
            self.assertEqual(self.facts()["status"], "frozen")
            code, _, err = call("exec", self.name, "--", "true")
            self.assertEqual(code, 125)
            self.assertIn(b"frozen", err)
        finally:
            self.assertEqual(call("thaw", self.name)[0], 0)
        self.assertEqual(self.facts()["status"], "running")
        self.assertEqual(call("exec", self.name, "--", "echo", "again")[1], b"again\n")

    def test_list_and_info_agree(self):
        facts = self.facts()
        self.assertIn(facts["name"], [g["name"] for g in json.loads(call("list", "--json")[1])])
        self.assertEqual(os.path.getsize(facts["ram_file"]), facts["memory"])
        release = call("exec", self.name, "--", "uname", "-r")[1].decode().strip()
        self.assertEqual(release, facts["kernel"])

    def test_errors_are_clear(self):
        for command in (["exec", "nobody", "--", "true"], ["freeze", "nobody"], ["stop", "nobody"],
                        ["info", "nobody"]):
            code, _, err = call(*command)
            self.assertNotEqual(code, 0)
            self.assertIn(b"no such guest: nobody", err)
        for arguments in (["--memory", "lots"], ["--kernel", "/no/such.deb"], ["--kernel", "/no/such"],
                          ["--cpus", "0"], ["--name", self.name], ["--name", "a/b"]):
            code, out, err = call("boot", *arguments)
            self.assertEqual((code != 0, out), (True, b""), arguments)
            self.assertTrue(err.startswith(b"guests/boot: "), err)
            self.assertNotIn(b"Traceback", err)

    def test_stop_leaves_nothing(self):
        name = self.name + "-b"
        self.assertEqual(call("boot", "--name", name, "--ram", "shared", "--with", str(os.getpid()))[0], 0)
        facts = json.loads(call("info", name, "--json")[1])
        self.assertEqual(call("stop", name), (0, b"", b""))
        self.assertFalse(runs(facts["pid"]))
        self.assertFalse(os.path.exists(facts["ram_file"]))
        self.assertEqual(glob.glob(os.path.join(self.state.name, name + "*")), [])


if __name__ == "__main__":
    unittest.main()
