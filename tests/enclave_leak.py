#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Twenty strings planted in a guest, shown by netstat and ps in enclaves with sealed output: none of them may be in anything
that the host sees. With output that isn't sealed the same look finds all of them; so it can.

usage: enclave_leak.py BUILD TAP

Exit status 77 (skipped) where enclaves can't be built (`make enclave`).
"""
import os
import pathlib
import random
import re
import subprocess
import sys

TAP = pathlib.Path(sys.argv[2]).resolve()
TOP = pathlib.Path(__file__).resolve().parents[1]
NAME = f"leak-{os.getpid()}"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests/lib"))

import enclave  # noqa: E402
import guest  # noqa: E402
from enclave import must  # noqa: E402

# what shows the planted strings: sockets; names, arguments and environment of processes
TOOLS = {"netstat": ["-tan"], "ps": ["axeww", "-o", "comm,args"]}


def plant():
    """Twenty strings as they are shown, and those of them that /proc has in another form."""
    letters = random.Random(4)

    def word(size):
        return "".join(letters.choice("bcdfghjkmnpqrstvwxz") for _ in range(size))

    names, arguments, variables = ([word(13) for _ in range(6)], [word(20) for _ in range(6)],
                                   [word(20) for _ in range(5)])
    for name, argument, variable in zip(names, arguments, variables + [word(20)]):
        must(TOP / "guests/exec", NAME, "--", "bash", "-c",
             f"cp $(command -v sleep) /tmp/{name}; export SECRET_OF_OURS={variable}; "
             f"(exec -a {argument} /tmp/{name} 100000 </dev/null >/dev/null 2>&1 &)")
    addresses, in_proc = [], []
    for _ in range(3):
        ip, port = [127] + [letters.randrange(100, 250) for _ in range(3)], letters.randrange(20000, 30000)
        addresses.append(f"{'.'.join(map(str, ip))}:{port}")
        in_proc.append(f"{bytes(ip[::-1]).hex().upper()}:{port:04X}")
        # a connection: only it has an address of its own
        must(TOP / "guests/exec", NAME, "--", "bash", "-c",
             f"(sleep 100000 | busybox nc -l -p {port} >/dev/null 2>&1 &); "
             f"(until exec 3<>/dev/tcp/{'.'.join(map(str, ip))}/{port}; do sleep 0.2; done; "
             "exec sleep 100000) </dev/null >/dev/null 2>&1 & sleep 1")
    return names + arguments + variables + addresses, in_proc


class Host:
    """Runs tools as their host would, and says which of the strings it saw."""

    def __init__(self, enclaves, strings):
        self.enclaves = enclaves
        self.strings = strings
        self.folder = enclaves.folder / "host"
        self.folder.mkdir()
        self.needles = self.folder / "needles"
        self.needles.write_text("\n".join(strings) + "\n")

    def run(self, tool, image):
        """Strings seen, and the tool's output."""
        out = self.folder / "out"
        with open(out, "wb") as stdout:
            done = subprocess.run([TAP, self.enclaves.socket, NAME, self.needles, image, *TOOLS[tool]], check=False,
                                  cwd=self.folder, stdout=stdout, stderr=subprocess.PIPE,
                                  env=dict(os.environ, HOME=str(self.folder), TMPDIR=str(self.folder),
                                           XDG_CACHE_HOME=str(self.folder)))
        # a sealed stream may be among it
        said = done.stderr.decode(errors="replace")
        seen = {self.strings[int(n) - 1] for n in re.findall(r"found needle (\d+) in", said)}
        if done.returncode != (3 if seen else 0) or "tap:" not in said:
            raise SystemExit(f"leak: {tool}: exit status {done.returncode}: {said[-2000:]}")
        print(f"leak: {tool}: {said[said.rfind('tap:'):].strip()}", flush=True)
        return seen | self.in_files(), out

    def in_files(self):
        """What is in anything that was written, but for the list itself."""
        written = [p.read_bytes() for p in self.enclaves.folder.rglob("*") if p.is_file() and p != self.needles]
        return {s for s in self.strings if any(s.encode() in text for text in written)}


def check(e, strings, others):
    host = Host(e, strings + others)
    print("leak: output not sealed")
    seen = set()
    for tool in TOOLS:
        seen |= host.run(tool, e.folder / "images" / tool)[0]
    if not set(strings) <= seen:
        raise SystemExit(f"leak: not found in output that isn't sealed: {set(strings) - seen}")
    (host.folder / "out").unlink()
    print("leak: sealed")
    opened = ""
    for tool in TOOLS:
        seen, out = host.run(tool, e.folder / f"sealed-{tool}.image")
        if seen:
            raise SystemExit(f"leak: {tool}: the host sees {seen}")
        opened += must(e.scwatcher, "open", "--key", e.folder / "me.key", "--insecure-accept-emulated",
                       "--mrenclave", e.mrenclaves[tool], out)
    missing = [s for s in strings if s not in opened]
    if missing:
        raise SystemExit(f"leak: the owner doesn't see {missing}")
    print(f"leak: all {len(strings)} strings shown to the owner, none to the host")
    return 0


def main():
    try:
        with enclave.enclaves(sys.argv[1]) as e:
            must(e.scwatcher, "keys", "output", "--new", e.folder / "me.key")
            e.mrenclaves = {}
            for tool in TOOLS:
                e.tool(tool)
                text = e.sign(e.build / "enclave-tools" / tool, e.folder / f"sealed-{tool}.image", "--seal-output",
                              e.folder / "me.pub")
                e.mrenclaves[tool] = re.search(r"MRENCLAVE: *([0-9a-f]{64})", text)[1]
            with guest.running(NAME, "--scenario", "stock"), e.device():
                return check(e, *plant())
    except enclave.Missing as why:
        print("leak: skipped:", why)
        return 77


if __name__ == "__main__":
    sys.exit(main())
