# SPDX-License-Identifier: MIT
"""
What a guest boots into: three concatenated archives. The base (Debian packages) and the tools (our
C programs) serve every kernel; the modules belong to one.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile

from . import GuestError
from .cpio import Tree
from .debian import Archive, unpack
from .paths import SOURCES, building, cache_dir

RELEASE = "bookworm"
PACKAGES = (
    "base-files", "base-passwd", "bash", "busybox", "coreutils", "e2fsprogs", "findutils",
    "grep", "iproute2", "kmod", "libc-bin", "login", "lsof", "mawk", "mount", "ncurses-base", "net-tools",
    "netbase", "procps", "psmisc", "sed", "unhide", "util-linux",
)
# needed by maintainer scripts only, or by nothing that we run
LEFT_OUT = ("debconf", "dpkg", "gcc-12-base", "init-system-helpers", "libaudit-common", "libfile-find",
            "libgdbm", "libnumber-compare", "libperl", "libtext-glob", "perl", "usrmerge")
# paths (after the merge of / and /usr) that are left out; prefixes
DROPPED = (
    "usr/share/doc", "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/man",
    "usr/share/bash-completion", "usr/share/bug", "usr/share/common-licenses", "usr/share/zsh",
    "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/perl", "usr/lib/systemd", "usr/lib/udev",
    "usr/lib/x86_64-linux-gnu/security", "usr/lib/terminfo/E", "usr/lib/apt", "etc/apt", "etc/cron",
    "etc/init.d", "etc/pam.d", "etc/update-motd.d",
)
MERGED = ("bin", "sbin", "lib", "lib64")

PROGRAMS = {
    "init": ("init.c",),
    "agent": ("agent.c",),
    "capture": ("capture.c",),
    "load": ("load.c", "load_bulk.c", "load_container.c", "load_files.c", "load_sockets.c",
             "load_tasks.c", "load_tcp.c"),
}

# what the scenarios and the tools need; what a kernel has built in or lacks is skipped
MODULES = (
    "virtio_pci", "virtio_console",
    "af_packet", "ipv6", "unix", "crc32c_generic", "crc32c_intel", "ext4", "loop", "overlay", "lzo", "lzo_rle", "lz4", "zstd",
    "zram",
    "veth", "dummy", "8021q", "bridge", "tun", "nf_tables",
    "inet_diag", "tcp_diag", "udp_diag", "raw_diag", "unix_diag", "af_packet_diag", "netlink_diag",
)


def key_of(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part if isinstance(part, bytes) else part.encode()).digest())
    return digest.hexdigest()[:24]


def _own_source(name):
    with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), name), "rb") as f:
        return f.read()


def _merged(path):
    first, slash, rest = path.partition("/")
    return "usr/" + path if first in MERGED and slash else path


def base_archive():
    """The path of the base archive, built if it is not there yet."""
    key = key_of(_own_source("rootfs.py"), _own_source("cpio.py"))
    target = os.path.join(cache_dir("images"), "base-%s.cpio" % key)
    with building(target) as part:
        if part:
            archive = Archive(RELEASE)
            archive.update()
            stage = tempfile.mkdtemp(prefix="base-", dir=cache_dir("images"))
            try:
                for deb in archive.closure(PACKAGES):
                    if not os.path.basename(deb).startswith(LEFT_OUT):
                        unpack(deb, stage)
                tree = _base_tree(stage)
                with open(part, "wb") as out:
                    tree.write(out)
            finally:
                shutil.rmtree(stage)
    return target


def _base_tree(stage):
    tree = Tree()
    for name in MERGED:
        tree.symlink(name, "usr/" + name)
        tree.directory("usr/" + name)
    for name in ("dev", "proc", "sys", "run", "root", "mnt", "home", "var/lib", "var/log"):
        tree.directory(name)
    tree.directory("tmp", 0o1777)
    tree.directory("var/tmp", 0o1777)
    tree.symlink("var/run", "/run")
    for base, directories, names in os.walk(stage):
        for name in directories + names:
            source = os.path.join(base, name)
            path = _merged(os.path.relpath(source, stage))
            mode = os.lstat(source).st_mode
            if path.startswith(DROPPED) or path in MERGED:
                continue
            if stat.S_ISLNK(mode):
                tree.symlink(path, os.readlink(source))
            elif stat.S_ISDIR(mode):
                if path not in tree:
                    tree.directory(path, stat.S_IMODE(mode))
            elif stat.S_ISREG(mode):
                tree.file(path, source)
    share = os.path.join(stage, "usr/share")
    tree.file("etc/passwd", os.path.join(share, "base-passwd/passwd.master"), 0o644)
    tree.file("etc/group", os.path.join(share, "base-passwd/group.master"), 0o644)
    tree.data("etc/nsswitch.conf", b"passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
              b"networks: files\nprotocols: files\nservices: files\nrpc: files\n")
    tree.data("etc/hosts", b"127.0.0.1\tlocalhost\n127.0.1.1\tguest\n::1\tlocalhost\n")
    tree.data("etc/hostname", b"guest\n")
    tree.symlink("etc/mtab", "../proc/self/mounts")
    # alternatives are set up by maintainer scripts, which don't run here
    for name, target in (("awk", "mawk"), ("w", "w.procps"), ("sh", "bash")):
        tree.symlink("usr/bin/" + name, target)
    return tree


def _sources():
    content = []
    for name in sorted(os.listdir(SOURCES)):
        if name.endswith((".c", ".h")):
            with open(os.path.join(SOURCES, name), "rb") as f:
                content += [name.encode(), f.read()]
    return content


def tools_archive():
    """The path of the archive of our own programs, built by the host's gcc if it is not there yet."""
    target = os.path.join(cache_dir("images"), "tools-%s.cpio" %
                          key_of(_own_source("rootfs.py"), _own_source("cpio.py"), *_sources()))
    with building(target) as part:
        if part:
            stage = tempfile.mkdtemp(prefix="tools-", dir=cache_dir("images"))
            try:
                tree = Tree()
                for program, files in PROGRAMS.items():
                    binary = os.path.join(stage, program)
                    _compile(binary, files)
                    where = "init" if program == "init" else "usr/lib/scwatcher/" + program
                    tree.file(where, binary, 0o755)
                with open(part, "wb") as out:
                    tree.write(out)
            finally:
                shutil.rmtree(stage)
    return target


def _compile(binary, files):
    command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-static", "-pthread", "-Wall", "-Wextra", "-o", binary]
    command += [os.path.join(SOURCES, name) for name in files]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GuestError("gcc is missing: it builds the guest's init and agent") from None
    if done.returncode:
        raise GuestError("cannot build the guest's programs:\n%s" % done.stderr)


def modules_archive(kernel):
    """The path of the archive of a kernel's modules and of the list that init loads."""
    key = key_of(_own_source("rootfs.py"), _own_source("kernel.py"), _own_source("cpio.py"),
               kernel.release, kernel.directory, str(os.stat(kernel.image).st_mtime_ns))
    target = os.path.join(cache_dir("images"), "modules-%s.cpio" % key)
    with building(target) as part:
        if part:
            tree, paths = Tree(), []
            for name, content in kernel.module_order(MODULES):
                path = "usr/lib/modules/%s/%s.ko" % (kernel.release, name)
                tree.data(path, content)
                paths.append("/" + path)
            tree.data("etc/scwatcher/modules", "".join(p + "\n" for p in paths).encode())
            with open(part, "wb") as out:
                tree.write(out)
    return target


def probe_archive():
    """A small archive (our own init only) to see whether an accelerator boots a kernel at all."""
    return tools_archive()


def has_virtio_ports(kernel):
    """Whether the guest will have virtio-serial; without it the agent talks over a serial line."""
    names = set(kernel.module_files()) | kernel.builtin()
    return {"virtio_console", "virtio_pci"} <= names


def join(archives, path):
    """Writes the archives one after the other: what QEMU takes as one initrd."""
    with open(path, "wb") as out:
        for archive in archives:
            with open(archive, "rb") as f:
                shutil.copyfileobj(f, out, 1 << 20)
