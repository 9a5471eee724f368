#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the Linux kernel's own SGX selftests on the emulation.

usage: kernel_selftests.py PRELOAD_LIBRARY [--source VERSION] [--modes MODES...]

The tests (tools/testing/selftests/sgx) are taken from Debian's package linux-source-VERSION (6.1):
unpacked from /usr/src if it is installed, else fetched with `apt-get download`. They are built in a
temporary folder as the kernel builds them, with one header in front that answers CPUID leaf 12H, and
run unchanged with the preload library. Exits 77 when the package can't be had.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WANTED = ("tools/testing/selftests/sgx/", "tools/testing/selftests/kselftest",
          "tools/testing/selftests/lib.mk", "tools/include/", "tools/arch/x86/include/",
          "arch/x86/include/asm/sgx.h",
          "arch/x86/include/asm/enclu.h", "arch/x86/include/uapi/asm/sgx.h")


def get_tarball(version, folder):
    """The package's tarball of the kernel: an open file, or None."""
    name = f"usr/src/linux-source-{version}.tar.xz"
    installed = pathlib.Path("/", name)
    if installed.exists():
        return installed.open("rb")
    done = subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
                           f"linux-source-{version}"], cwd=folder, capture_output=True, text=True)
    packages = list(folder.glob("*.deb"))
    if done.returncode or not packages:
        return None
    files = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", packages[0]], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=files.stdout, mode="r|") as package:
        for member in package:
            if member.name.lstrip("./") == name:
                package.extract(member, folder)
                return (folder / member.name).open("rb")
    return None


def unpack(tarball, folder):
    with tarfile.open(fileobj=tarball, mode="r|xz") as tar:
        for member in tar:
            inside = member.name.partition("/")[2]
            if inside.startswith(WANTED) and (member.isfile() or member.issym()):
                tar.extract(member, folder)
    # beside the package that it came from
    return next(path for path in folder.glob("linux-source-*") if path.is_dir())


def build(tree):
    """As the kernel's Makefile there does, but for the header in front of main.c."""
    folder = tree / "tools/testing/selftests/sgx"
    makefile = (folder / "Makefile").read_text()
    static_pie = "-static-pie" in makefile
    include = f"-I{tree}/tools/include"
    host = ["gcc", "-Wall", "-g", include, "-fPIC"]
    objects = []
    for source in ("main.c", "load.c", "sigstruct.c", "call.S", "sign_key.S"):
        extra = ["-include", HERE / "cpuid_leaf.h"] if source == "main.c" else []
        objects.append(folder / (source + ".o"))
        subprocess.run([*host, *extra, "-c", folder / source, "-o", objects[-1]], check=True,
                       cwd=folder)
    subprocess.run([*host, "-z", "noexecstack", "-o", "test_sgx", *objects, "-lcrypto"],
                   check=True, cwd=folder)
    enclave = ["gcc", "-Wall", "-nostdlib", "-fno-stack-protector", "-mrdrnd", include]
    if static_pie:
        enclave += ["-static-pie", "-ffreestanding", "-fPIE", "test_encl.c",
                    "test_encl_bootstrap.S", "-Wl,-T,test_encl.lds,--build-id=none"]
    else:
        enclave += ["-static", "-nostartfiles", "-fPIC", "-T", "test_encl.lds", "test_encl.c",
                    "test_encl_bootstrap.S", "-Wl,--build-id=none"]
    subprocess.run([*enclave, "-o", "test_encl.elf"], check=True, cwd=folder,
                   stderr=subprocess.DEVNULL)
    return folder


def run(folder, library, modes):
    """Number of failed tests."""
    done = subprocess.run(["./test_sgx"], cwd=folder, text=True, timeout=3000,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={"LD_PRELOAD": str(library), "SCW_EMULATION": modes,
                               "PATH": "/usr/bin:/bin"})
    totals = re.search(r"# Totals: pass:(\d+) fail:(\d+) xfail:(\d+) xpass:(\d+) skip:(\d+)",
                       done.stdout)
    print(f"{modes}: {totals[0] if totals else 'no result'}")
    for reason in sorted(set(re.findall(r"^# +SKIP +(.*)$", done.stdout, re.M))):
        print(f"    skipped: {reason}")
    if not totals or done.returncode or int(totals[2]) or int(totals[1]) == 0:
        print(done.stdout)
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--source", default="6.1")
    parser.add_argument("--modes", nargs="+", default=["plain", "hide", "step", "sgx1"])
    options = parser.parse_args()
    library = pathlib.Path(options.library).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tarball = get_tarball(options.source, folder)
        if tarball is None:
            print(f"skipped: linux-source-{options.source} can't be had from apt")
            return 77
        tests = build(unpack(tarball, folder))
        return sum(run(tests, library, modes) for modes in options.modes)


if __name__ == "__main__":
    sys.exit(main())
