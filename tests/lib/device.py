# SPDX-License-Identifier: MIT
"""A memory device for the time of a `with`: keys, policy, scwatcherd, and the options to reach it.

    with device.running(build) as d:
        subprocess.run([scwatcher, "run", *d.options("ring"), "web1", "--", "ps"])
"""
import contextlib
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

PRCTL = ctypes.CDLL(None).prctl
PR_SET_PDEATHSIG = 1


class Device:
    def __init__(self, build, folder, process, mount):
        self.build = build
        self.folder = folder
        self.process = process
        self.mount = mount

    def options(self, carrier, freshness=None):
        """Options of scwatcher for a guest behind this device; carrier as in --sealed=..."""
        address = self.mount if carrier.startswith("pread") else self.folder / "device.sock"
        words = [f"--sealed={carrier}", "--device", str(address),
                 "--device-key", str(self.folder / "device.pub"),
                 "--identity", str(self.folder / "identity.key")]
        return words + (["--freshness", str(freshness)] if freshness is not None else [])

    def environment(self, carrier):
        """The same for programs that aren't given options."""
        words = self.options(carrier)
        return {"SCWATCHER_SEALED": carrier, "SCWATCHER_DEVICE": words[2],
                "SCWATCHER_DEVICE_KEY": words[4], "SCWATCHER_IDENTITY": words[6],
                "LD_LIBRARY_PATH": str(self.build / "cli")}

    def cpu_seconds(self):
        """CPU time of the device: its processes, and those of its sessions that have ended."""
        total, tick = 0, os.sysconf("SC_CLK_TCK")
        for pid in processes_below(self.process.pid):
            with contextlib.suppress(OSError):
                text = pathlib.Path(f"/proc/{pid}/stat").read_text()
                total += sum(int(n) for n in text.rpartition(")")[2].split()[11:15])
        return total / tick


def processes_below(pid):
    found = [pid]
    for at in found:
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{at}/task").iterdir():
                found += [int(n) for n in (task / "children").read_text().split()]
    return found


def ends_with_us():
    """For Popen(preexec_fn=...): the process gets SIGTERM when we end, however that is."""
    PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)


def key_of(scwatcher, path):
    text = subprocess.run([scwatcher, "keys", "show", path], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    return re.search(r"\b[0-9a-f]{64}\b", text).group()


def children_of(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


@contextlib.contextmanager
def started(build, folder, policy, *options, config="", mount=None):
    """scwatcherd with a key and files in `folder`, until the `with` ends: its process. mount: where it shows files."""
    (folder / "policy.conf").write_text(policy)
    (folder / "scwatcherd.conf").write_text(config)
    words = [build / "memdev/daemon/scwatcherd", "--config", folder / "scwatcherd.conf", "--socket",
             folder / "device.sock", "--control", folder / "control.sock", "--key", folder / "device.key",
             "--policy", folder / "policy.conf", "--user", "nobody", *options]
    (folder / "device.sock").unlink(missing_ok=True)
    if mount:
        mount.mkdir(exist_ok=True)
        words += ["--mount", mount]
    with open(folder / "log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, preexec_fn=ends_with_us)
    try:
        for _ in range(1200):
            if (folder / "device.sock").exists() and (not mount or os.path.ismount(mount)):
                break
            if process.poll() is not None:
                raise RuntimeError("scwatcherd: " + (folder / "log").read_text())
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if mount and os.path.ismount(mount):
            subprocess.run(["umount", "-l", mount], check=False)


@contextlib.contextmanager
def running(build, mount=False, vms="*"):
    build = pathlib.Path(build).resolve()
    scwatcher = build / "cli" / "scwatcher"
    with tempfile.TemporaryDirectory(prefix="scwatcher-device-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        for what in ("device", "identity"):
            subprocess.run([scwatcher, "keys", what, "--new", folder / f"{what}.key"], check=True,
                           stdout=subprocess.DEVNULL)
        policy = ('identities = ( { name = "tests"; type = "development"; key = "%s"; '
                  'vms = [ "%s" ]; } );\n' % (key_of(scwatcher, folder / "identity.key"), vms))
        point = folder / "memory"
        with started(build, folder, policy, "--accept-development-keys", mount=point if mount else None) as process:
            yield Device(build, folder, process, point)
