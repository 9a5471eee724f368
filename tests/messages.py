#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What people are told when a sealed run can't be: by the real programs, over both carriers. As root.

usage: tests/messages.py BUILD [--name NAME]

A wrong pin, an identity that isn't known, a VM that isn't in the policy or isn't there, a key that others may
read, no device, a device that is killed in mid-run: each must end at once, not with 0, and with a text that
says what it is. Exit status 1 if one doesn't.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/lib"))
sys.dont_write_bytecode = True

import device  # noqa: E402
import guest  # noqa: E402

PATIENCE = 60  # seconds until it counts as hanging
READS = "import time\nwhile True:\n open('/proc/stat').read()\n time.sleep(.01)"


class Cases:
    def __init__(self, build):
        self.scwatcher = build / "cli/scwatcher"
        self.wrong = 0

    def judge(self, what, status, said, expected, text):
        good = status == expected and text in said
        self.wrong += not good
        print(f"{'ok  ' if good else 'WRONG'} {what}: status {status}, {said.strip().splitlines()[-2:]}")

    def run(self, what, expected, text, options, vm, *command):
        done = subprocess.run([self.scwatcher, "run", *options, vm, "--", *(command or ("ps", "-e"))],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE, check=False)
        if expected == 0:
            text = text if "kthreadd" in done.stdout and not done.stderr else "?"
        elif done.stdout:
            text = "no output"
        self.judge(what, done.returncode, done.stderr or "\n", expected, text)


def options(address, pin, identity, carrier):
    return [f"--sealed={carrier}", "--device", address, "--device-key", pin, "--identity", identity]


def refusals(cases, d, name):
    pin, identity = d.folder / "device.pub", d.folder / "identity.key"
    for kind, file in (("device", "other"), ("identity", "nobody")):
        subprocess.run([cases.scwatcher, "keys", kind, "--new", d.folder / f"{file}.key"], check=True,
                       stdout=subprocess.DEVNULL)
    for carrier, address in (("ring", d.folder / "device.sock"), ("pread", d.mount)):
        with_pin = lambda p, i: options(address, p, i, carrier)  # noqa: E731
        cases.run(f"{carrier}: as it should be", 0, "", with_pin(pin, identity), name)
        cases.run(f"{carrier}: another device's key is pinned", 125, "another one's key is pinned",
                  with_pin(d.folder / "other.pub", identity), name)
        cases.run(f"{carrier}: nobody's identity", 125, "no identity with key",
                  with_pin(pin, d.folder / "nobody.key"), name)
        cases.run(f"{carrier}: no such VM", 125, "no VM is called elsewhere", with_pin(pin, identity),
                  "elsewhere")
        identity.chmod(0o644)
        cases.run(f"{carrier}: a key that others may read", 125, "others may open it",
                  with_pin(pin, identity), name)
        identity.chmod(0o600)
        cases.run(f"{carrier}: no pin", 3, "isn't pinned", with_pin(d.folder / "no.pub", identity), name)
    cases.run("no socket", 3, "is scwatcherd running?",
              options(d.folder / "none.sock", pin, identity, "ring"), name)


def killed(cases, d, name):
    started = []
    for carrier, address in (("ring", d.folder / "device.sock"), ("pread", d.mount)):
        words = options(address, d.folder / "device.pub", d.folder / "identity.key", carrier)
        started.append((carrier, subprocess.Popen(
            [cases.scwatcher, "run", *words, "--freshness", "0", name, "--", sys.executable, "-c", READS],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)))
    time.sleep(3)
    d.process.kill()
    for carrier, process in started:
        _, said = process.communicate(timeout=PATIENCE)
        cases.judge(f"{carrier}: the device was killed", process.returncode, said, 125,
                    "printed may be incomplete")
    cases.run("ring: the device doesn't run", 125, "can't reach a memory device",
              options(d.folder / "device.sock", d.folder / "device.pub", d.folder / "identity.key",
                      "ring"), name)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--name", default="scw-messages")
    o = parser.parse_args()
    if os.geteuid() != 0:
        print("not root: the device can't be tested")
        return 77
    cases = Cases(o.build.resolve())
    with guest.running(o.name, "--memory", "512M"):
        with device.running(o.build, mount=True, vms=o.name) as d:
            refusals(cases, d, o.name)
        with device.running(o.build, mount=True, vms="elsewhere-*") as d:
            for carrier, address in (("ring", d.folder / "device.sock"), ("pread", d.mount)):
                cases.run(f"{carrier}: not in the policy", 125, "doesn't let tests read",
                          options(address, d.folder / "device.pub", d.folder / "identity.key", carrier),
                          o.name)
        with device.running(o.build, mount=True, vms=o.name) as d:
            killed(cases, d, o.name)
    print(f"{cases.wrong} wrong")
    return 1 if cases.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
