# SPDX-License-Identifier: MIT
"""Tools in enclaves against a guest: built, signed, and run by way of a memory device that accepts them."""
import contextlib
import os
import pathlib
import re
import subprocess
import tempfile

import device

TOP = pathlib.Path(__file__).resolve().parents[2]


class Missing(Exception):
    """What is needed can't be had here."""


def must(*words):
    done = subprocess.run([str(w) for w in words], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=TOP, errors="replace")
    if done.returncode == 77:
        raise Missing(done.stdout + done.stderr)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Enclaves:
    """A signer's folder, and a memory device that takes what that signer signed."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.scwatcher = build / "cli" / "scwatcher"
        self.scw_cc = build / "scw-cc" / "scw-cc"
        self.socket = folder / "device.sock"
        self.signer = None
        self.heap = "128M"
        must("openssl", "genrsa", "-3", "-out", folder / "sign.pem", "3072")
        must(self.scwatcher, "keys", "device", "--new", folder / "device.key")

    def sign(self, program, image, *options):
        text = must(self.scwatcher, "sign", "--key", self.folder / "sign.pem", "--heap", self.heap, "--device-key",
                    self.folder / "device.pub", *options, program, image)
        self.signer = re.search(r"MRSIGNER: *([0-9a-f]{64})", text)[1]
        return text

    def build_tools(self, *names):
        """Of those that tests/enclave-tools knows."""
        must(TOP / "tests/enclave-tools", self.scw_cc, self.build / "enclave-tools", *names)

    def programs(self, *names, **called):
        """Options of sign(): tools that another one may run, by their own name or `called` by others."""
        called = dict({name: (name,) for name in names}, **called)
        return [f"--program={self.build}/enclave-tools/{tool}=/bin/{name}" for tool, names in called.items()
                for name in names]

    def tool(self, name, *options):
        """The image of such a tool, with more options for `scwatcher sign`."""
        self.build_tools(name)
        image = self.folder / "images" / name  # tools go by the name they are called by
        image.parent.mkdir(exist_ok=True)
        self.sign(self.build / "enclave-tools" / name, image, *options)
        return image

    def program(self, source, *options):
        """The image of a program of one C file."""
        program = self.folder / pathlib.Path(source).stem
        must(self.scw_cc, "--enclave", "-O2", *options, source, "-o", program)
        image = program.with_suffix(".image")
        self.sign(program, image)
        return image

    @contextlib.contextmanager
    def device(self, mount=False):
        policy = "".join('{ name = "%s"; type = "%s"; mrsigner = "%s"; product = 0; minimum_version = 0; '
                         'vms = [ "*" ]; }, ' % (kind, kind, self.signer) for kind in ("sgx", "sgx-emulated"))
        # mode step of the emulation takes its time
        with device.started(self.build, self.folder, f"identities = ( {policy.rstrip(', ')} );\n",
                            "--insecure-accept-emulated", config="handshake_s = 3600;\n",
                            mount=self.folder / "memory" if mount else None) as process:
            yield process

    def way(self, mode="plain", carrier="ring"):
        """Options of `scwatcher run` for an image. Carrier pread: for device(mount=True)."""
        device_at = ["--device", self.socket] if carrier == "ring" else \
            ["--sealed=pread", "--device", self.folder / "memory"]
        return [f"--emulate={mode}", *device_at]

    def command(self, vm, image, *arguments, mode="plain", carrier="ring", options=()):
        """What runs a tool; `-` as the VM: without one."""
        words = [self.scwatcher, "run", *self.way(mode, carrier), *options, vm, "--", image, *arguments]
        return [str(word) for word in words]

    def run(self, vm, image, *arguments, mode="plain", carrier="ring", options=()):
        """Exit status, output and errors of a tool."""
        done = subprocess.run(self.command(vm, image, *arguments, mode=mode, carrier=carrier, options=options),
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace")
        return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def enclaves(build):
    """Raises Missing where the C library of enclaves wasn't built."""
    build = pathlib.Path(build).resolve()
    if not (build / "enclave/musl/sysroot/lib/libc.a").exists() or \
            not (build / "scw-cc/libscwatcher-enclave.a").exists():
        raise Missing("no C library for enclaves: make enclave")
    with tempfile.TemporaryDirectory(prefix="scwatcher-enclave-") as name:
        os.chmod(name, 0o755)
        yield Enclaves(build, pathlib.Path(name))
