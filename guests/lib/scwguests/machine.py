# SPDX-License-Identifier: MIT
"""A guest as a running QEMU and its folder of state."""

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import time

from . import GuestError, agent, rootfs
from .kernel import find as find_kernel
from .paths import building, cache_dir, state_dir
from .qmp import Qmp

QEMU = "qemu-system-x86_64"
CHANNELS = 4
BOOT_TIMEOUT = 180
LAYOUT_TIMEOUT = 900
WATCH_MS = 5000 # how long who watches over a guest outlives it
MIN_MEMORY = 256 << 20  # the root file system is unpacked from memory into memory
TOOLS = "/usr/lib/scwatcher"


def parse_size(text):
    """"512M", "5G" or bytes, as bytes."""
    found = re.fullmatch(r"(\d+)([KMGT]?)i?B?", text.strip(), re.I)
    if not found:
        raise GuestError("not a size: %s (512M, 5G, ...)" % text)
    size = int(found.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[found.group(2).upper()]
    if size < MIN_MEMORY or size % (2 << 20):
        raise GuestError("memory must be at least %dM and a multiple of 2M: %s" % (MIN_MEMORY >> 20, text))
    return size


def _qemu_path():
    path = shutil.which(QEMU)
    if not path:
        raise GuestError("%s is missing: install qemu-system-x86" % QEMU)
    return path


def _accelerator(kernel):
    """
    "kvm" where it boots a stock kernel, else "tcg". /dev/kvm alone says little (nested machines), so
    this boots one once and remembers.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    qemu = _qemu_path()
    facts = (os.uname().release, os.stat(qemu).st_mtime_ns, os.stat(qemu).st_size)
    target = os.path.join(cache_dir(), "accelerator-" + rootfs.key_of(repr(facts)))
    with building(target) as part:
        if part:
            verdict = "tcg"
            try:
                done = subprocess.run(
                    [qemu, "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults", "-no-reboot",
                     "-display", "none", "-serial", "stdio", "-kernel", kernel.image,
                     "-initrd", rootfs.tools_archive(),
                     "-append", "console=ttyS0 panic=-1 scw.probe=1"],
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
                if b"probe ok" in done.stdout:
                    verdict = "kvm"
            except subprocess.TimeoutExpired:
                pass
            with open(part, "w") as f:
                f.write(verdict + "\n")
    with open(target) as f:
        return f.read().strip()


def _host_has_la57():
    with open("/proc/cpuinfo") as f:
        return re.search(r"^flags\s*:.*\bla57\b", f.read(), re.M) is not None


def _start_time(pid):
    """The process's start in clock ticks, to tell it from a later one with its number; None if gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as f:
            fields = f.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _write_sparse(out, at, block, unit=1 << 16):
    """Writes a block at an offset, leaving out what is all zeros."""
    for start in range(0, len(block), unit):
        part = block[start:start + unit]
        if part.count(0) != len(part):
            out.seek(at + start)
            out.write(part)


class Guest:
    """One guest, by name."""

    def __init__(self, name):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", name):
            raise GuestError("not a guest's name: %s (letters, digits, . _ + -)" % name)
        self.name = name
        self.directory = os.path.join(state_dir(), name)

    def path(self, name):
        return os.path.join(self.directory, name)

    def info(self):
        """What is known about the guest: a dictionary (the --json of guests/info)."""
        try:
            with open(self.path("guest.json")) as f:
                return json.load(f)
        except OSError:
            raise GuestError("no such guest: %s (guests/list shows those there are)" %
                             self.name) from None

    def _save(self, info):
        with open(self.path("guest.json.new"), "w") as f:
            json.dump(info, f, indent=1)
        os.rename(f.name, self.path("guest.json"))

    def alive(self):
        """Whether its QEMU still runs."""
        info = self.info()
        return _start_time(info["pid"]) == info["started"]

    def require_alive(self):
        if not self.alive():
            raise GuestError("guest %s has ended; its console's last lines:\n%s" %
                             (self.name, self.console_tail()))

    def console_tail(self, lines=15):
        try:
            with open(self.path("console.log"), "rb") as f:
                text = f.read().decode("utf-8", "replace")
        except OSError:
            return "(no console log)"
        return "\n".join("  " + line.rstrip() for line in text.splitlines()[-lines:])

    def qmp(self, timeout=30):
        self.require_alive()
        return Qmp(self.path("control.sock"), timeout)

    def status(self, timeout=30):
        """"running", "frozen" or "ended"."""
        if not self.alive():
            return "ended"
        with self.qmp(timeout=timeout) as qmp:
            return "running" if qmp.command("query-status")["running"] else "frozen"

    def freeze(self):
        with self.qmp() as qmp:
            qmp.command("stop")
            self.mark_frozen(True)

    def thaw(self):
        with self.qmp() as qmp:
            qmp.command("cont")
            self.mark_frozen(False)

    def dump(self, path, raw):
        """Writes physical memory as QEMU's ELF core (no paging), or as a raw image with holes."""
        with self.qmp(timeout=600) as qmp:
            running = qmp.command("query-status")["running"]
            if running:
                qmp.command("stop")
            try:
                if raw:
                    self._dump_raw(qmp, path)
                else:
                    qmp.command("dump-guest-memory", paging=False, protocol="file:" + path)
            finally:
                if running:
                    qmp.command("cont")

    def _dump_raw(self, qmp, path):
        ranges = self._ram_ranges(qmp)
        with open(path, "wb") as out:
            if self.info()["ram_file"]:
                self._copy_ram_file(ranges, out)
            else:
                self._save_ram(qmp, ranges, out, path + ".part")

    def _copy_ram_file(self, ranges, out):
        """The file holds the ranges one after the other; pages never touched are holes in it."""
        offset = 0
        with open(self.info()["ram_file"], "rb") as ram:
            for start, length in ranges:
                at = 0
                while at < length:
                    try:
                        at = os.lseek(ram.fileno(), offset + at, os.SEEK_DATA) - offset
                    except OSError:
                        break  # only holes from here on
                    if at >= length:
                        break
                    block = os.pread(ram.fileno(), min(1 << 20, length - at), offset + at)
                    _write_sparse(out, start + at, block)
                    at += len(block)
                offset += length
                out.truncate(start + length)

    def _save_ram(self, qmp, ranges, out, part):
        """QEMU writes piece by piece into a small file."""
        piece = 64 << 20
        for start, length in ranges:
            for at in range(start, start + length, piece):
                size = min(piece, start + length - at)
                qmp.command("pmemsave", val=at, size=size, filename=part)
                with open(part, "rb") as f:
                    for block in iter(lambda: f.read(1 << 20), b""):
                        _write_sparse(out, at, block)
                        at += len(block)
                os.unlink(part)
            out.truncate(start + length)

    def _ram_ranges(self, qmp):
        """[(guest-physical start, length)] of RAM, from QEMU's own map."""
        total = self.info()["memory"]
        text = qmp.command("human-monitor-command", command_line="info mtree -f")
        low = high = 0
        for start, end, name in re.findall(
                r"^ +([0-9a-f]{16})-([0-9a-f]{16}) \(prio \d+, (?:ram|rom)\): (\S+)", text, re.M):
            start, end = int(start, 16), int(end, 16) + 1
            if name.startswith(("pc.ram", "ram")):
                if start >= 1 << 32:
                    high = max(high, end)
                else:
                    low = max(low, end)
        if not low or low + (high - (1 << 32) if high else 0) != total:
            raise GuestError("cannot make out where QEMU put the guest's memory")
        return [(0, low)] + ([(1 << 32, high - (1 << 32))] if high else [])

    def mark_frozen(self, frozen):
        """Lets an exec that is under way see that it waits in vain."""
        if frozen:
            with open(self.path("frozen"), "w"):
                pass
        else:
            with contextlib.suppress(OSError):
                os.unlink(self.path("frozen"))

    def _waits_in_vain(self):
        self.require_alive()
        if os.path.exists(self.path("frozen")) and self.status() == "frozen":
            raise GuestError("guest %s is frozen: guests/thaw it first" % self.name)

    @contextlib.contextmanager
    def channel(self, timeout=60):
        """A channel to the agent that nobody else uses."""
        self.require_alive()
        if self.status() == "frozen":
            raise GuestError("guest %s is frozen: guests/thaw it first" % self.name)
        with self._free_channel(timeout) as number:
            link = agent.Channel(self.path("agent%d" % number), self._waits_in_vain)
            try:
                link.sync(timeout)
                yield link
            finally:
                link.close()

    @contextlib.contextmanager
    def _free_channel(self, timeout):
        end = time.monotonic() + timeout
        while True:
            for number in range(self.info()["channels"]):
                handle = open(self.path("agent%d.lock" % number), "a")
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    handle.close()
                    continue
                with handle:
                    yield number
                return
            if time.monotonic() > end:
                raise GuestError("all channels to guest %s are busy" % self.name)
            time.sleep(0.05)

    def run(self, argv, timeout=None):
        """Runs a command in the guest: (exit code, stdout, stderr)."""
        out, err = bytearray(), bytearray()
        with self.channel() as link:
            status = link.run(argv, out.extend, err.extend, timeout=timeout)
        return agent.exit_code(status), bytes(out), bytes(err)

    def stop(self):
        """Ends QEMU and removes all that belongs to the guest."""
        try:
            info = self.info()
        except GuestError:
            if not os.path.isdir(self.directory):
                raise
            self._remove({})  # what a boot that was killed left
            return
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(info["pid"], signal.SIGTERM)
            end = time.monotonic() + 10
            while self.alive():
                if time.monotonic() > end:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(info["pid"], signal.SIGKILL)
                    end = time.monotonic() + 60
                time.sleep(0.02)
        self._remove(info)

    def _remove(self, info):
        if info.get("ram_file"):
            with contextlib.suppress(OSError):
                os.unlink(info["ram_file"])
        shutil.rmtree(self.directory, ignore_errors=True)

    # booting

    def claim(self):
        """Takes the name for a guest to be booted; False if there is such a guest."""
        try:
            os.mkdir(self.directory, 0o700)
        except FileExistsError:
            return False
        return True

    def end_with(self, pid):
        """Has the (claimed) guest stopped when that process ends, however it does: another process watches both."""
        try:
            process = os.pidfd_open(pid)
        except OSError as error:
            raise GuestError("can't watch process %d: %s" % (pid, error.strerror)) from None
        folder = os.open(self.directory, os.O_RDONLY)
        if os.fork():
            os.close(process)
            os.close(folder)
            return
        try:
            os.setsid()  # what ends a test ends all of its session
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            poll = select.poll()
            poll.register(process, select.POLLIN)
            while not poll.poll(WATCH_MS) and os.fstat(folder).st_nlink:
                pass
            # not another one that has the name by now
            if os.fstat(folder).st_nlink:
                self.stop()
        finally:
            os._exit(0)

    def boot(self, options):
        """Starts the (claimed) guest and waits until it is ready. options: see cli.boot."""
        info = {"ram_file": None}
        try:
            kernel = find_kernel(options.kernel)
            archives = [rootfs.base_archive(), rootfs.tools_archive(), rootfs.modules_archive(kernel)]
            accelerator = options.accel or _accelerator(kernel)
            self._launch(kernel, archives, accelerator, options, info)
            self._wait_ready(options)
        except BaseException:
            if "pid" in info and _start_time(info["pid"]) == info["started"]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(info["pid"], signal.SIGKILL)
            self._remove(info)
            raise

    def _ram_file(self, size):
        """Where to put shared memory: (path, why not /dev/shm or None). The file is sparse."""
        name = "scwatcher-guest-%d-%s.ram" % (os.getuid(), self.name)
        with contextlib.suppress(OSError):
            if shutil.disk_usage("/dev/shm").free >= size:
                return os.path.join("/dev/shm", name), None
        return os.path.join(cache_dir("ram"), name), "/dev/shm has no room for %d MiB" % (size >> 20)

    def _launch(self, kernel, archives, accelerator, options, info):
        size = parse_size(options.memory)
        virtio = rootfs.has_virtio_ports(kernel)
        rootfs.join(archives, self.path("initrd"))
        if options.la57 and accelerator == "kvm" and not _host_has_la57():
            accelerator = "tcg"
        cpu = "host" if accelerator == "kvm" else "max"
        # 4-level paging unless asked for: what most machines run, and the same on every host
        cpu += ",la57=%s" % ("on" if options.la57 else "off")
        command = [
            _qemu_path(), "-name", self.name, "-accel",
            "kvm" if accelerator == "kvm" else "tcg,thread=multi,tb-size=128",
            "-cpu", cpu, "-smp", str(options.cpus), "-m", "%dM" % (size >> 20),
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-kernel", kernel.image, "-initrd", "initrd",
            # no_timer_check: under TCG on a busy host ticks come too late for that check
            "-append", "console=ttyS0 panic=-1 loglevel=5 no_timer_check scw.agent=%s%s" %
            ("virtio" if virtio else "ttyS1", " " + options.append if options.append else ""),
            "-chardev", "file,id=console,path=console.log", "-serial", "chardev:console",
            "-qmp", "unix:control.sock,server=on,wait=off",
            "-qmp", "unix:qmp.sock,server=on,wait=off",
            # a guest's write to this device's port freezes it in that instruction
            "-device", "pvpanic", "-action", "panic=pause",
        ]
        machine = options.machine
        if options.ram == "shared":
            info["ram_file"], why = self._ram_file(size)
            with open(os.open(info["ram_file"], os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "r+b") as f:
                f.truncate(size)
            if why:
                options.say("%s: its memory is in %s (%s)" % (self.name, info["ram_file"], why))
            command += ["-object", "memory-backend-file,id=ram,size=%d,mem-path=%s,share=on" %
                        (size, info["ram_file"])]
            machine += ",memory-backend=ram"
        command += ["-machine", machine]
        if virtio:
            command += ["-device", "virtio-serial-pci,max_ports=%d" % (CHANNELS + 1)]
        for number in range(CHANNELS if virtio else 1):
            name = "agent%d" % number
            for end in ("in", "out"):
                os.mkfifo(self.path("%s.%s" % (name, end)), 0o600)
            command += ["-chardev", "pipe,id=%s,path=%s" % (name, name)]
            if virtio:
                command += ["-device", "virtserialport,chardev=%s,name=scw.agent%d" % (name, number)]
            else:
                command += ["-serial", "chardev:" + name]
        with open(self.path("qemu.log"), "wb") as log:
            process = subprocess.Popen(command + options.qemu, cwd=self.directory,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        info.update({
            "name": self.name, "pid": process.pid, "started": _start_time(process.pid),
            "kernel": kernel.release, "kernel_directory": kernel.directory, "cpus": options.cpus,
            "memory": size, "ram": options.ram, "la57": bool(options.la57),
            "machine": options.machine, "accelerator": accelerator, "scenario": options.scenario,
            "qmp": self.path("qmp.sock"), "console": self.path("console.log"),
            "channels": CHANNELS if virtio else 1, "transport": "virtio" if virtio else "serial",
            "directory": self.directory, "ready": False,
        })
        self._save(info)
        self._process = process

    def _wait_ready(self, options):
        end = time.monotonic() + options.timeout
        link = agent.Channel(self.path("agent0"), self._still_booting)
        try:
            while True:
                # what was sent before the agent opened its port may be lost: ask again
                try:
                    link.sync(min(2, max(0.1, end - time.monotonic())))
                    break
                except GuestError:
                    self._still_booting()
                    if time.monotonic() > end:
                        raise GuestError("guest %s is not up after %d s; its console's last lines:\n%s"
                                         % (self.name, options.timeout, self.console_tail())) from None
        finally:
            link.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path("initrd"))
        if options.scenario != "none":
            code, _, err = self.run([TOOLS + "/load", options.scenario], timeout=LAYOUT_TIMEOUT)
            if code:
                raise GuestError("scenario %s could not be laid out in guest %s: %s" %
                                 (options.scenario, self.name, err.decode("utf-8", "replace").strip()))
        info = self.info()
        info["ready"] = True
        self._save(info)

    def _still_booting(self):
        if self._process.poll() is None:
            return
        with open(self.path("qemu.log"), "rb") as f:
            said = f.read().decode("utf-8", "replace").strip()
        tail = self.console_tail()
        raise GuestError("guest %s ended while booting%s; its console's last lines:\n%s" %
                         (self.name, ": " + said if said else "", tail or "  (nothing)"))


def all_guests():
    """The guests there are, running or not."""
    base = state_dir()
    names = sorted(n for n in os.listdir(base) if os.path.exists(os.path.join(base, n, "guest.json")))
    return [Guest(n) for n in names]


def claim_new(kernel):
    """Claims a guest with a free name made of what was asked for."""
    stem = re.sub(r"[^A-Za-z0-9._+-]", "-", os.path.basename(kernel.rstrip("/")))[:40].strip("-.") or "guest"
    for number in range(1, 1000):
        guest = Guest("%s-%d" % (stem, number))
        if guest.claim():
            return guest
    raise GuestError("too many guests: guests/stop --all")
