#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The scwatcher command on live guests: every kind of source, what is remembered, what goes wrong.

usage: cli/tests/test_command.py BUILD [unittest arguments]
"""
import base64
import json
import mmap
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PREFIX = "scwcli%d" % os.getpid()
BUILD = None
OTHER_USER = 65534

OK, FAILED, USAGE, NO_VM, PERMISSION, NO_GUEST, BAD_DUMP, GONE = range(8)
RUN_GONE, RUN_CANNOT, RUN_ABSENT = 125, 126, 127


def guests(command, *arguments):
    done = subprocess.run([TOP / "guests" / command, *map(str, arguments)], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError("guests/%s: %s" % (command, done.stderr))
    return done.stdout


def boot(name, *arguments):
    guests("boot", "--name", PREFIX + name, "--with", os.getpid(), *arguments)
    return json.loads(guests("info", PREFIX + name, "--json"))


def stop(name):
    subprocess.run([TOP / "guests/stop", PREFIX + name], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def allocated(path):
    return os.stat(path).st_blocks


def stats_of(stderr):
    return json.loads(stderr)["scwatcher"]


class Commands(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="scw-")
        self.dir = pathlib.Path(self.folder.name)
        self.env = dict(os.environ, XDG_CACHE_HOME=str(self.dir / "cache"))
        self.addCleanup(self.folder.cleanup)

    def call(self, *arguments, prefix=(), env=None):
        done = subprocess.run([*prefix, BUILD / "cli/scwatcher", *map(str, arguments)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=300, env=env or self.env)
        return done.returncode, done.stdout, done.stderr

    def check(self, guest, vm, kind, mapped=None):
        """info agrees with the guest, cat gives what the guest prints, the cache is used."""
        code, out, err = self.call("info", "--json", "--stats", vm)
        self.assertEqual(code, OK, err)
        cold, facts = stats_of(err), json.loads(out)
        self.assertFalse(cold["known_vm"])
        self.assertEqual(facts["source"], kind)
        if mapped is not None:
            self.assertEqual(facts["mapped"], mapped)
        self.assertEqual(facts["release"], guest["kernel"])
        code, out, err = self.call("cat", vm, "/proc/version", "sys/kernel/hostname")
        self.assertEqual(code, OK, err)
        self.assertEqual(out, self.version(guest))
        code, out, err = self.call("info", "--json", "--stats", vm)
        warm = stats_of(err)
        self.assertTrue(warm["known_kernel"])
        if kind in ("ram-file", "process"):
            self.assertTrue(warm["known_vm"])
        self.assertEqual(json.loads(out), facts)
        print("%s: cold %.1f ms (placing %.1f, kernel %.1f), warm %.2f ms" % (
            vm, cold["attach_ns"] / 1e6, cold["attach_place_ns"] / 1e6,
            cold["attach_kernel_ns"] / 1e6, warm["attach_ns"] / 1e6), file=sys.stderr)
        return facts

    def version(self, guest):
        return guests("exec", guest["name"], "--", "cat", "/proc/version",
                      "/proc/sys/kernel/hostname")

    def check_holes(self, guest, facts, split):
        """Guest-physical memory as the guest's own firmware told it."""
        runs = {run["start"]: run["bytes"] for run in facts["physical_memory"]}
        self.assertEqual(runs, {0: split, 4 << 30: guest["memory"] - split})

    def check_guest(self, guest, split):
        vmm, ram = guest["pid"], guest.get("ram_file")
        shared = guest["ram"] == "shared"
        if shared:
            before = allocated(ram)
            facts = self.check(guest, ram, "ram-file", True)
            if split:
                self.check_holes(guest, facts, split)
            self.assertEqual(facts["pid"], vmm)
        facts = self.check(guest, guest["name"], "process", shared)
        if split:
            self.check_holes(guest, facts, split)
        self.assertEqual(self.call("cat", vmm, "version")[0], OK)
        if shared:
            # the guest runs on and touches memory of its own, but not gigabytes
            self.assertLess((allocated(ram) - before) * 512, 64 << 20)

    def check_dumps(self, guest, split):
        elf, raw = self.dir / "dump.elf", self.dir / "dump.raw"
        guests("dump", guest["name"], elf)
        facts = self.check(guest, elf, "elf-core")
        self.assertIsNone(facts["pid"])
        os.truncate(elf, os.stat(elf).st_size // 2)
        code, _, err = self.call("info", elf)
        self.assertEqual(code, BAD_DUMP)
        self.assertIn("truncated", err)
        elf.unlink()
        guests("dump", "--raw", guest["name"], raw)
        self.check(guest, raw, "ram-file")
        raw.unlink()


class SmallGuest(Commands):
    @classmethod
    def setUpClass(cls):
        cls.guest = boot("small", "--la57")
        cls.name = cls.guest["name"]
        cls.addClassCleanup(stop, "small")

    def test_sources(self):
        self.check_guest(self.guest, None)
        self.check_dumps(self.guest, None)

    def test_list(self):
        code, out, _ = self.call("list", "--json")
        self.assertEqual(code, OK)
        mine = [vm for vm in json.loads(out) if vm["name"] == self.name]
        self.assertEqual(len(mine), 1)
        self.assertEqual(mine[0]["pid"], self.guest["pid"])
        self.assertEqual(mine[0]["release"], self.guest["kernel"])
        self.assertEqual(mine[0]["memory_bytes"], self.guest["memory"])
        self.assertEqual(mine[0]["source"], "shared")
        self.assertIn(self.name, self.call("list")[1])

    def test_ls(self):
        code, out, _ = self.call("ls", self.name, "/proc/1")
        self.assertEqual(code, OK)
        self.assertIn("status", out.split())
        code, out, _ = self.call("ls", "--json", self.name, "1/fd")
        self.assertTrue(all(entry["type"] == "link" for entry in json.loads(out)))
        self.assertEqual(self.call("ls", self.name, "nowhere")[0], FAILED)
        self.assertIn("1", self.call("ls", self.name)[1].split())

    def test_cat(self):
        code, out, err = self.call("cat", self.name, "nowhere", "version")
        self.assertEqual(code, FAILED)
        self.assertIn("nowhere", err)
        self.assertIn("Linux version", out)
        code, out, _ = self.call("cat", "--json", self.name, "version")
        self.assertIn("Linux version", json.loads(out)[0]["content"])
        self.assertEqual(self.call("cat", self.name, "1/exe")[0], FAILED)

    def test_json_of_bytes(self):
        """What a guest makes up needn't be text, but JSON has to be."""
        odd = b"\xff\x80 \xed\xa0\x80\"\\\n"
        guests("exec", self.name, "--", "sh", "-c", "printf '%s' > /tmp/odd; "
               "{ exec -a \"$(cat /tmp/odd)\" sleep 600 & } ; echo $! > /tmp/pid"
               % "".join("\\%03o" % byte for byte in odd))
        pid = guests("exec", self.name, "--", "cat", "/tmp/pid").strip()
        done = subprocess.run([BUILD / "cli/scwatcher", "cat", "--json", self.name, pid + "/cmdline", "version"],
                              stdout=subprocess.PIPE, env=self.env, check=True)
        files = json.loads(done.stdout.decode("utf-8", "strict"))
        self.assertNotIn("content", files[0])
        self.assertTrue(base64.b64decode(files[0]["content_base64"]).startswith(odd.rstrip()), files[0])
        self.assertIn("Linux version", files[1]["content"])

    def test_run(self):
        run = lambda *c: self.call("run", self.name, "--", *c)
        code, out, err = run("cat", "/proc/version", "/proc/sys/kernel/hostname")
        self.assertEqual((code, out), (OK, self.version(self.guest)), err)
        # options of ours before and after the VM, the command's own left alone
        code, out, err = self.call("run", "--stats", "--json", self.name, "cat", "-A",
                                   "/proc/version")
        self.assertEqual(code, OK, err)
        self.assertTrue(out.endswith("$\n"))
        stats = json.loads(err)
        self.assertEqual(stats["command"]["processes"], 1)
        self.assertEqual(stats["command"]["handed_over"], 1)
        code, _, err = self.call("run", self.name, "--stats", "--json", "--", "sh", "-c",
                                 "cat /proc/1/comm; cat /proc/version")
        self.assertEqual(json.loads(err)["command"]["processes"], 2, err)
        self.assertEqual(run("sh", "-c", "exit 42")[0], 42)
        self.assertEqual(run("sh", "-c", "kill -TERM $$")[0], 128 + signal.SIGTERM)
        self.assertEqual(run("no-such-command")[0], RUN_ABSENT)
        self.assertEqual(run("/etc/passwd")[0], RUN_CANNOT)
        self.assertEqual(self.call("run", self.name)[0], USAGE)

    def test_run_refuses_what_would_see_the_host(self):
        source, static, script = self.dir / "x.c", self.dir / "static", self.dir / "script"
        source.write_text("#include <stdio.h>\nint main(void) { puts(\"ran\"); return 0; }\n")
        subprocess.run(["cc", "-static", source, "-o", static], check=True)
        script.write_text("#!%s\n" % static)
        script.chmod(0o755)
        for program in static, script:
            code, out, err = self.call("run", self.name, program)
            self.assertEqual((code, out), (RUN_CANNOT, ""))
            self.assertIn("%s is statically linked" % static, err)
        # a tool's children aren't held up, but told about
        code, out, err = self.call("run", self.name, "sh", "-c", "%s; exit 3" % static)
        self.assertEqual((code, out), (3, "ran\n"))
        self.assertIn("it sees the host's /proc", err)

    def test_run_forwards_signals(self):
        job = subprocess.Popen([BUILD / "cli/scwatcher", "run", self.name, "--", "sh", "-c",
                                "trap 'echo got it; exit 5' TERM; echo up; "
                                "while :; do sleep 0.1; done"],
                               stdout=subprocess.PIPE, text=True, env=self.env)
        self.assertEqual(job.stdout.readline(), "up\n")
        job.terminate()
        self.assertEqual(job.communicate(timeout=60)[0], "got it\n")
        self.assertEqual(job.returncode, 5)

    def test_damaged_cache(self):
        ram = self.guest["ram_file"]
        self.call("info", ram)
        cached = sorted((self.dir / "cache/scwatcher").glob("*/*"))
        self.assertGreaterEqual(len(cached), 3)  # instance, profile, layout
        for path in cached:
            whole = path.read_bytes()
            for damaged in (whole[:len(whole) // 2] + b"\xff" + whole[len(whole) // 2 + 1:],
                            whole[:len(whole) // 2], b"", b"\0" * len(whole)):
                path.write_bytes(damaged)
                code, out, err = self.call("cat", ram, "version")
                self.assertEqual((code, err), (OK, ""))
                self.assertIn("Linux version", out)
            # an instance is written anew when it was no good; so are the others
            self.assertEqual(len(path.read_bytes()), len(whole), path)

    def test_no_home(self):
        env = dict(self.env, XDG_CACHE_HOME="/proc/nowhere", HOME="/proc/nowhere")
        code, out, err = self.call("run", "--stats", "--json", self.name, "cat", "/proc/version",
                                   env=env)
        self.assertEqual(code, OK, err)
        self.assertIn("Linux version", out)
        self.assertEqual(json.loads(err)["command"]["handed_over"], 1)

    def test_pause(self):
        pid = self.guest["pid"]
        state = lambda: pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0]
        code, out, err = self.call("run", "--pause", self.name, "--", "sh", "-c",
                                   "cat /proc/uptime; sleep 0.3; cat /proc/uptime")
        self.assertEqual(code, OK, err)
        first, second = out.splitlines()
        self.assertEqual(first, second)
        self.assertNotEqual(state(), "T")
        job = subprocess.Popen([BUILD / "cli/scwatcher", "run", "--pause", self.name, "--", "sh",
                                "-c", "echo up; sleep 60"], stdout=subprocess.PIPE, text=True,
                               env=self.env, start_new_session=True)
        self.assertEqual(job.stdout.readline(), "up\n")
        self.assertEqual(state(), "T")
        job.kill()
        job.wait()
        job.stdout.close()
        for _ in range(100):
            if state() != "T":
                break
            time.sleep(0.1)
        self.assertNotEqual(state(), "T")
        os.killpg(job.pid, signal.SIGKILL)

    def test_permission(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to become somebody else")
        other = ["setpriv", "--reuid", str(OTHER_USER), "--regid", str(OTHER_USER),
                 "--clear-groups"]
        probe = subprocess.run([*other, "test", "-x", BUILD / "cli/scwatcher"])
        if probe.returncode:
            self.skipTest("another user can't run the build")
        env = dict(self.env, XDG_CACHE_HOME="/tmp", HOME="/tmp")
        code, out, err = self.call("info", self.guest["pid"], prefix=other, env=env)
        self.assertEqual((code, out), (PERMISSION, ""))
        self.assertIn("CAP_SYS_PTRACE", err)
        code, _, err = self.call("info", self.guest["ram_file"], prefix=other, env=env)
        self.assertEqual(code, PERMISSION)

    def test_no_such_vm(self):
        for vm, status in (("no-such-vm", NO_VM), ("/no/such/file", NO_VM), (2 ** 22, NO_VM),
                           (os.getpid(), NO_VM), ("/proc", FAILED)):
            code, out, err = self.call("info", vm)
            self.assertEqual((code, out), (status, ""), err)
            self.assertTrue(err.startswith("scwatcher: "), err)

    def test_usage(self):
        for arguments in ((), ("frobnicate",), ("cat",), ("cat", self.name), ("list", "x"),
                          ("info", "--nonsense", self.name), ("info", "--btf")):
            code, out, err = self.call(*arguments)
            self.assertEqual((code, out), (USAGE, ""))
            self.assertIn("usage", err)
        for command in ("list", "info", "cat", "ls", "run"):
            code, out, _ = self.call(command, "--help")
            self.assertEqual(code, OK)
            self.assertIn("usage: scwatcher " + command, out)
        self.assertRegex(self.call("--version")[1], r"^scwatcher \d")


class Lifetimes(Commands):
    def test_two_of_one_name_and_death(self):
        guest = boot("dies")
        self.addCleanup(stop, "dies")
        ram = guest["ram_file"]
        # a second VM by that name that isn't one of ours
        twin = subprocess.Popen(["qemu-system-x86_64", "-name", "guest=" + guest["name"], "-S",
                                 "-nodefaults", "-display", "none", "-m", "64M"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                code, _, err = self.call("info", guest["name"])
                if code == NO_VM:
                    break
                time.sleep(0.1)
            self.assertEqual(code, NO_VM)
            self.assertIn(str(twin.pid), err)
            self.assertIn(str(guest["pid"]), err)
            for _ in range(100):  # it has no memory before it is up
                code, _, err = self.call("info", twin.pid)
                if code != NO_VM:
                    break
                time.sleep(0.1)
            self.assertEqual(code, NO_GUEST, err)
            self.assertIn("no Linux", err)
        finally:
            twin.kill()
            twin.wait()
        self.assertEqual(self.call("info", guest["name"])[0], OK)

        # the VM dies under a command that is looking at it
        job = subprocess.Popen([BUILD / "cli/scwatcher", "run", guest["name"], "--", "sh", "-c",
                                "cat /proc/version; read line; cat /proc/version; exit 0"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=self.env)
        self.assertIn("Linux version", job.stdout.readline())
        os.link(ram, "/dev/shm/%s-kept" % PREFIX)
        self.addCleanup(os.unlink, "/dev/shm/%s-kept" % PREFIX)
        os.kill(guest["pid"], signal.SIGKILL)
        while os.path.exists("/proc/%d/maps" % guest["pid"]) and \
                pathlib.Path("/proc/%d/stat" % guest["pid"]).read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.05)
        out, err = job.communicate("\n", timeout=60)
        self.assertEqual(out, "")
        self.assertEqual(job.returncode, RUN_GONE)
        self.assertIn("ended", err)
        self.assertEqual(self.call("info", guest["name"])[0], NO_VM)
        # what it left behind is still memory with a guest in it
        code, out, err = self.call("info", "--json", "/dev/shm/%s-kept" % PREFIX)
        self.assertEqual(code, OK, err)
        self.assertIsNone(json.loads(out)["pid"])

    def test_booting(self):
        """From the first moment of a VM's life on: a clear error, then the guest."""
        helper = boot("helper")
        kernel = next(pathlib.Path(helper["kernel_directory"]).glob("**/vmlinuz*"))
        stop("helper")
        vm = subprocess.Popen(["qemu-system-x86_64", "-name", "guest=%sboots" % PREFIX, "-m", "256M",
                               "-kernel", kernel, "-append", "console=ttyS0 panic=-1", "-nodefaults",
                               "-display", "none", "-serial", "null"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            seen = set()
            deadline = time.time() + 120
            while time.time() < deadline:
                code, out, err = self.call("cat", vm.pid, "version")
                seen.add(code)
                # never anything but a whole answer, or a reason
                if code == OK:
                    self.assertTrue(re.match(r"Linux version .*\n$", out))
                    break
                self.assertEqual(out, "")
                self.assertIn(code, (NO_VM, NO_GUEST, GONE), err)
                time.sleep(0.05)
            self.assertIn(OK, seen)
            self.assertIn(NO_GUEST, seen)
        finally:
            vm.kill()
            vm.wait()


class NoTypes(Commands):
    """A kernel that carries neither types nor symbols: they are wiped out of its memory, which it runs on without."""

    def inside(self, *command):
        return subprocess.run([TOP / "guests/exec", self.guest["name"], "--", *command], check=True,
                              stdout=subprocess.PIPE).stdout

    def wipe(self, offset, size):
        with open(self.guest["ram_file"], "r+b") as f:
            f.seek(offset)
            f.write(b"\0" * size)

    def find(self, data):
        with open(self.guest["ram_file"], "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
            at = m.find(data[:4096])
            while at >= 0 and m[at:at + len(data)] != data:
                at = m.find(data[:4096], at + 1)
        self.assertGreater(at, 0)
        return at

    def told(self, symbol):
        """Of the symbols that aren't in kallsyms, the kernel tells those that find it."""
        with open(self.guest["ram_file"], "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
            return int(re.search(rb"\nSYMBOL\(%s\)=([0-9a-f]{16})\n" % symbol.encode(), m)[1], 16)

    def same(self, *options):
        """What the guest says of itself that stands still, through each door."""
        want = self.inside("cat", "/proc/version", "/proc/1/maps", "/proc/1/cmdline", "/proc/modules").decode()
        for command in ("cat", self.guest["name"]), ("run", self.guest["name"], "--", "cat"):
            code, out, err = self.call(command[0], *options, *command[1:], "/proc/version", "/proc/1/maps",
                                       "/proc/1/cmdline", "/proc/modules")
            self.assertEqual((code, err), (OK, ""))
            self.assertEqual(out, want)
        want = self.inside("ps", "-eo", "pid,ppid,comm").decode().splitlines()
        code, out, err = self.call("run", *options, self.guest["name"], "--", "ps", "-eo", "pid,ppid,comm")
        self.assertEqual((code, err), (OK, ""))
        still = lambda lines: {line for line in lines if not re.search("kworker| ps$", line)}
        self.assertEqual(still(out.splitlines()), still(want))
        code, out, err = self.call("run", *options, self.guest["name"], "--", "netstat", "-tan")
        self.assertEqual((code, err), (OK, ""))
        self.assertEqual(out, self.inside("netstat", "-tan").decode())
        code, out, err = self.call("cat", *options, self.guest["name"], "/proc/2/wchan")
        self.assertEqual((code, out), (OK, "kthreadd"), err)

    def test_files(self):
        self.guest = boot("blind")
        self.addCleanup(stop, "blind")
        btf, symbols, map_file = self.dir / "vmlinux.btf", self.dir / "kallsyms", self.dir / "System.map"
        btf.write_bytes(self.inside("cat", "/sys/kernel/btf/vmlinux"))
        symbols.write_bytes(self.inside("cat", "/proc/kallsyms"))
        lines = [line.split(None, 2) for line in symbols.read_text().splitlines() if "[" not in line]
        at = {name: int(address, 16) for address, _, name in lines}
        slide = at["_text"] - 0xffffffff81000000
        # as the kernel's build wrote it, before it was moved at boot; absolute ones stay
        map_file.write_text("".join("%016x %s %s\n" % (int(a, 16) - slide if int(a, 16) >> 63 else int(a, 16), t, n)
                                    for a, t, n in lines))

        self.same("--btf", btf, "--symbols", symbols)
        self.same("--btf", btf)
        image = self.find(btf.read_bytes()) - at["__start_BTF"]
        self.wipe(image + at["__start_BTF"], btf.stat().st_size)
        code, out, err = self.call("cat", self.guest["name"], "version")
        self.assertEqual((code, out), (BAD_DUMP, ""), err)
        self.assertIn("give the guest's BTF in a file", err)
        self.assertEqual(self.call("run", self.guest["name"], "--", "ps")[1], "")
        self.same("--btf", btf)
        self.same("--btf", btf, "--symbols", map_file)

        names, index = (self.told("kallsyms_" + what) for what in ("names", "token_index"))
        self.wipe(image + names, index - names)
        code, out, err = self.call("cat", "--btf", btf, self.guest["name"], "version")
        self.assertEqual((code, out), (BAD_DUMP, ""), err)
        self.assertIn("give the guest's System.map in a file", err)
        self.same("--btf", btf, "--symbols", symbols)
        self.same("--btf", btf, "--symbols", map_file)

        # files that aren't what they should be
        for options in (("--btf", map_file, "--symbols", map_file), ("--btf", btf, "--symbols", btf),
                        ("--btf", "/dev/null"), ("--btf", self.dir / "none", "--symbols", map_file)):
            code, out, err = self.call("cat", *options, self.guest["name"], "version")
            self.assertNotEqual(code, OK)
            self.assertEqual(out, "")
            self.assertTrue(err.startswith("scwatcher: "), err)


class LargePc(Commands):
    def test_sources(self):
        guest = boot("pc", "--memory", "5G", "--machine", "pc")
        self.addCleanup(stop, "pc")
        self.check_guest(guest, 3 << 30)
        self.check_dumps(guest, 3 << 30)


class LargeQ35(Commands):
    def test_sources(self):
        guest = boot("q35", "--memory", "5G", "--machine", "q35", "--ram", "private", "--append",
                     "nokaslr")
        self.addCleanup(stop, "q35")
        self.check_guest(guest, 2 << 30)


class Private(Commands):
    def test_oldest_kernel(self):
        guest = boot("old", "--kernel", "5.10", "--ram", "private")
        self.addCleanup(stop, "old")
        self.check_guest(guest, None)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip())
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
