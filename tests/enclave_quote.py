#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A tool shows a quote to the memory device, as on hardware: the backend for /dev/sgx_enclave on the emulated interface, and a
stand-in for Intel's quote library (tools/fake_dcap.c) with a root of its own, which is the one that the device pins.

usage: enclave_quote.py BUILD FAKE_LIBRARY

The device takes no development keys and no emulated enclaves. It lets in the enclave of its policy, and says by name what is
wrong with others. Exit status 77 (skipped) where enclaves can't be built.
"""
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
NAME = f"quote-{os.getpid()}"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests/lib"))

import device  # noqa: E402
import enclave  # noqa: E402
import guest  # noqa: E402
from enclave import must  # noqa: E402

SVN = 5  # what the made-up TCB info has for UpToDate


class Cases:
    def __init__(self, e, library):
        self.e, self.wrong = e, 0
        # found before Intel's, if that is here: the stand-in, and files that are no libraries
        for folder in ("there", "not-there"):
            (e.folder / folder).mkdir()
        (e.folder / "there/libsgx_dcap_ql.so.1").symlink_to(pathlib.Path(library).resolve())
        for name in ("libsgx_dcap_ql.so.1", "libsgx_dcap_ql.so"):
            (e.folder / "not-there" / name).touch()
        for svn in (SVN, SVN - 1):
            must(TOP / "memdev/tests/quotes.py", "--make", e.folder / f"platform-{svn}", svn)

    def run(self, what, expected, text, image, svn=SVN, library=True, **environment):
        platform = self.e.folder / f"platform-{svn}"
        env = dict(os.environ, LD_PRELOAD=str(self.e.build / "enclave/emulation/libscwatcher-sgx-emulation.so"),
                   SCW_FAKE_QUOTE=str(platform / "quote"), SCW_FAKE_KEY=str(platform / "quote.key"),
                   XDG_CACHE_HOME=str(self.e.folder),
                   LD_LIBRARY_PATH=str(self.e.folder / ("there" if library else "not-there")), **environment)
        done = subprocess.run([self.e.scwatcher, "run", "--enclave", "--device", self.e.socket, NAME, "--", image,
                               "-tan"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        said = done.stdout + done.stderr
        good = done.returncode == expected and text in said and (expected == 0 or "tcp" not in done.stdout)
        self.wrong += not good
        why = next((line for line in said.splitlines() if "can't read" in line), "")
        print(f"{'ok  ' if good else 'WRONG'} {what}: status {done.returncode} {why}", flush=True)

    def device(self, mrenclave, svn=SVN):
        platform = self.e.folder / f"platform-{svn}"
        policy = f'identities = ( {{ name = "tool"; type = "sgx"; mrenclave = "{mrenclave}"; vms = [ "*" ]; }} );\n'
        return device.started(self.e.build, self.e.folder, policy,
                              config=f'sgx_root = "{platform}/root.pem";\nsgx_collateral = "{platform}/collateral";\n')


def main():
    try:
        with enclave.enclaves(sys.argv[1]) as e:
            netstat = e.tool("netstat")
            mrenclave = re.search(r"MRENCLAVE: *([0-9a-f]{64})", must(e.scwatcher, "inspect", netstat))[1]
            debug = e.folder / "debug.image"
            e.sign(e.build / "enclave-tools/netstat", debug, "--debug")
            cases = Cases(e, sys.argv[2])
            with guest.running(NAME, "--scenario", "small"):
                with cases.device(mrenclave) as process:
                    cases.run("a quote", 0, "0.0.0.0:22 ", netstat)
                    cases.run("of a debug enclave", 125, "a debug enclave: its host can read all of it", debug)
                    cases.run("nobody who makes quotes", 125, "nobody who makes evidence", netstat, library=False)
                    cases.run("no quoting enclave", 125, "nobody who makes evidence", netstat, SCW_FAKE_STATUS="0xe019")
                    cases.run("a quote without end", 125, "makes no quote", netstat, SCW_FAKE_SIZE="0x7fffffff")
                    cases.run("of another root", 125, "doesn't lead to the pinned root", netstat, svn=SVN - 1)
                    status = subprocess.run([e.scwatcher, "run", "--emulate", "--device", e.socket, NAME, "--", netstat],
                                            stdout=subprocess.DEVNULL, check=False).returncode
                    cases.wrong += status != 125 or process.poll() is not None
                with cases.device(mrenclave, SVN - 1):
                    cases.run("a processor that is out of date", 125, "TCB is SWHardeningNeeded", netstat, svn=SVN - 1)
                with cases.device("77" * 32):
                    cases.run("another enclave in the policy", 125, "no enclave with MRENCLAVE", netstat)
    except enclave.Missing as why:
        print("quote: skipped:", why)
        return 77
    print(f"quote: {cases.wrong} wrong")
    return 1 if cases.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
