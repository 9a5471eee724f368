# SPDX-License-Identifier: MIT
"""Finds, fetches and unpacks kernels; reads what a kernel is and which modules it has."""

import glob
import hashlib
import lzma
import os
import re
import struct
import subprocess
import sys

from . import GuestError
from .debian import Archive, CODENAMES, unpack
from .paths import building, cache_dir

FLAVOURS = {"cloud": "cloud-amd64", "generic": "amd64", "rt": "rt-amd64"}
# where a line of kernels is kept up, first choice first
HOMES = {"5.10": ("bullseye",), "6.1": ("bookworm",), "6.12": ("bookworm", "trixie")}
SEARCH = ("bookworm", "bullseye", "trixie", "forky", "sid")


class Kernel:
    """An unpacked kernel: `image` (path), `release`, `modules` (folder of .ko files or None)."""

    def __init__(self, directory, label):
        self.directory = os.path.realpath(directory)
        self.label = label
        self.image = self._find_image()
        self.release = image_release(self.image)
        self.modules = self._find_modules()
        self._index = None

    def _find_image(self):
        found = []
        for pattern in ("boot/vmlinuz*", "boot/bzImage*", "vmlinuz*", "bzImage*",
                        "usr/lib/modules/*/vmlinuz*", "lib/modules/*/vmlinuz*"):
            found += sorted(glob.glob(os.path.join(self.directory, pattern)))
        if not found:
            for base, _, names in os.walk(self.directory):
                found += [os.path.join(base, n) for n in names if n.startswith("vmlinuz")]
        found = [f for f in found if os.path.isfile(f)]
        if not found:
            raise GuestError("no boot/vmlinuz* in %s: give the package that holds the image too"
                             % self.directory)
        releases = {image_release(f) for f in found}
        if len(releases) > 1:
            raise GuestError("more than one kernel in %s: %s" %
                             (self.directory, ", ".join(sorted(releases))))
        return found[0]

    def _find_modules(self):
        for base in ("lib/modules", "usr/lib/modules"):
            path = os.path.join(self.directory, base, self.release)
            if os.path.isdir(os.path.join(path, "kernel")):
                return path
        return None

    def module_files(self):
        """{name with underscores: path of the .ko, .ko.xz, .ko.zst or .ko.gz}"""
        if self._index is None:
            self._index = {}
            for base, _, names in os.walk(self.modules) if self.modules else ():
                for name in names:
                    stem, dot, rest = name.partition(".ko")
                    if dot and rest in ("", ".xz", ".zst", ".gz"):
                        self._index[stem.replace("-", "_")] = os.path.join(base, name)
        return self._index

    def builtin(self):
        """Names of what could be modules but is in the image."""
        try:
            with open(os.path.join(self.modules or "", "modules.builtin")) as f:
                lines = f.read().split()
        except OSError:
            return set()
        return {os.path.basename(line)[:-3].replace("-", "_") for line in lines}

    def module_order(self, wanted):
        """[(name, content)] of the wanted modules that exist and all they need, in loading order."""
        done, order = set(), []

        def visit(name):
            if name in done:
                return
            done.add(name)
            path = self.module_files().get(name)
            if not path:
                return
            content = read_module(path)
            for need in module_needs(content):
                visit(need)
            order.append((name, content))

        for name in wanted:
            visit(name)
        return order


def read_module(path):
    """A module's ELF file, decompressed."""
    if path.endswith(".zst"):
        done = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=False)
        if done.returncode:
            raise GuestError("cannot decompress %s: is zstd installed?" % path)
        return done.stdout
    with open(path, "rb") as f:
        content = f.read()
    if path.endswith(".xz"):
        return lzma.decompress(content)
    if path.endswith(".gz"):
        import gzip
        return gzip.decompress(content)
    return content


def module_needs(content):
    """What a module must have loaded before it (modinfo's depends and softdep pre)."""
    needs = []
    found = re.search(rb"\0depends=([^\0]+)\0", content)
    if found:
        needs += found.group(1).decode().split(",")
    for line in re.findall(rb"\0softdep=pre: ([^\0]+)\0", content):
        needs += line.decode().split(" post:")[0].split()
    return [n.replace("-", "_") for n in needs]


def image_release(path):
    """The release that a bzImage's boot header names (Documentation/arch/x86/boot.rst)."""
    with open(path, "rb") as f:
        head = f.read(0x10000)
    if head[0x202:0x206] != b"HdrS":
        raise GuestError("%s is not an x86 Linux image" % path)
    at = struct.unpack_from("<H", head, 0x20e)[0] + 0x200
    text = head[at:at + 256].split(b"\0")[0].decode("ascii", "replace")
    if not text:
        raise GuestError("%s does not name its release" % path)
    return text.split()[0]


def _version_key(text):
    return [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", text)]


def _find_package(name):
    """(Archive, [choice, ...]) for a name that the user gave: packages, best first."""
    if name.startswith("linux-"):
        return _by_package(name)
    short = re.fullmatch(r"(\d+\.\d+)(?:-(%s))?" % "|".join(FLAVOURS), name)
    if short:
        line, flavour = short.group(1), FLAVOURS[short.group(2) or "cloud"]
        for codename in HOMES.get(line, SEARCH):
            archive = _archive(codename)
            pattern = re.compile(r"linux-image-%s[.+][^-]*(-[0-9][^-]*)?-%s(-unsigned)?" %
                                 (re.escape(line), flavour)) if archive else None
            found = [n for n in archive.names("linux-image-" + line)
                     if pattern.fullmatch(n)] if archive else []
            if found:
                return archive, _ranked(found)
        raise GuestError("no %s kernel of flavour %s in Debian's archive" % (line, flavour))
    # a release (6.1.0-56-cloud-amd64) or a package's version (6.1.176-1)
    for codename in SEARCH:
        archive = _archive(codename)
        if not archive:
            continue
        if archive.names("linux-image-%s" % name):
            found = [n for n in archive.names("linux-image-%s" % name)
                     if n in ("linux-image-" + name, "linux-image-%s-unsigned" % name)]
            if found:
                return archive, _ranked(found)
        line = re.match(r"\d+\.\d+", name)
        for package in archive.names("linux-image-" + line.group(0)) if line else ():
            if re.search(r"-cloud-amd64(-unsigned)?$", package) and \
               name in archive.versions(package):
                return archive, ["%s=%s" % (package, name)]
    raise GuestError("no kernel called %s in Debian's archive (tried %s): use a name such as 6.1 or "
                     "6.12-generic, a release, a package, a .deb file or a folder" %
                     (name, ", ".join(SEARCH)))


def _archive(codename):
    archive = Archive(codename)
    try:
        archive.update()
    except GuestError:
        if codename in ("bullseye", "bookworm"):
            raise
        return None  # a release that this mirror doesn't carry
    return archive


def _ranked(names):
    """The newest release first; of each the unsigned package before the signed one."""
    return sorted(names, key=lambda n: (_version_key(n.replace("-unsigned", "")), "-unsigned" in n),
                  reverse=True)


def _by_package(name):
    archives = [a for a in map(_archive, SEARCH) if a]
    for again in (False, True):
        for archive in archives:
            if again:
                archive.refresh()  # the lists may be a week old, and this kernel younger
            if archive.versions(name.partition("=")[0]):
                return archive, [name]
    line = re.match(r"linux-\D+\d+\.\d+", name)
    flavour = re.search(r"-(?:cloud-|rt-)?amd64", name)
    others = {n for a in archives for n in a.names(line.group(0)) if n.endswith(flavour.group(0))} \
        if line and flavour else set()
    raise GuestError("no package %s in Debian's archive (any more): %s" % (name, (
        "of that line it has " + ", ".join(sorted(others, key=_version_key))) if others else
        "nothing of that line either"))


def _with_parts(archive, package):
    """The package and the parts it is split into: image, binary, modules."""
    chosen, todo = [], [package]
    while todo:
        one = todo.pop()
        chosen.append(one)
        depends = archive.field(one.partition("=")[0], "Depends")
        for need in re.findall(r"(linux-(?:image|binary|modules)-[^ ,|(]+)(?: \(= ([^)]+)\))?", depends):
            wanted = "=".join(n for n in need if n)
            if need[0].startswith("linux-modules-") and not archive.versions(need[0]):
                print("guests: %s isn't in the archive any more: going on without modules" % need[0],
                      file=sys.stderr)
            elif wanted not in chosen:
                todo.append(wanted)
    return chosen


def _unpacked(debs, label):
    """Unpacks packages together, once."""
    digest = hashlib.sha256()
    for deb in sorted(debs):
        with open(deb, "rb") as f:
            digest.update(hashlib.sha256(f.read()).digest())
    target = os.path.join(cache_dir("kernels"), digest.hexdigest()[:24])
    with building(target) as part:
        if part:
            os.makedirs(part)
            for deb in debs:
                unpack(deb, part)
            # debug information and headers are of no use here
            Kernel(part, label)
    return Kernel(target, label)


def find(arguments):
    """The Kernel for the --kernel options given: names, .deb files, or one folder."""
    debs = [a for a in arguments if a.endswith(".deb")]
    if debs and len(debs) == len(arguments):
        for deb in debs:
            if not os.path.isfile(deb):
                raise GuestError("no such file: %s" % deb)
        return _unpacked(debs, os.path.basename(debs[0]))
    if len(arguments) != 1:
        raise GuestError("--kernel is repeated only for the .deb files of one kernel")
    name = arguments[0]
    if os.path.isdir(name):
        return Kernel(name, os.path.basename(os.path.realpath(name)))
    if os.path.isfile(name):
        raise GuestError("%s is neither a .deb file nor a folder" % name)
    if "/" in name:
        raise GuestError("no such file or folder: %s" % name)
    remembered = os.path.join(cache_dir("kernels"), "name-" + name)
    kernel = _recall(remembered, name)
    if not kernel:
        try:
            kernel = _fetch(name)
        except GuestError as error:
            # the archive drops what it replaces; a kernel of that very release may still lie here
            kernel = _unpacked_before(name)
            if not kernel:
                raise
            print("guests: %s; taking what was fetched before" % error, file=sys.stderr)
        with open(remembered + ".part-%d" % os.getpid(), "w") as f:
            f.write(os.path.basename(kernel.directory))
        os.rename(f.name, remembered)
    return kernel


def _fetch(name):
    archive, choices = _find_package(name)
    for choice in choices:
        try:
            return _unpacked([archive.download(p) for p in _with_parts(archive, choice)], name)
        except GuestError as error:
            # lists of an old release may name packages that its pool has dropped
            if choice == choices[-1]:
                raise
            print("guests: %s; trying the next" % error, file=sys.stderr)
    raise AssertionError("no choice")


def _unpacked_before(name):
    """A kernel in the cache whose release is the one that a release's or a package's name says."""
    release = re.sub(r"^linux-image-|-unsigned$", "", name)
    for directory in sorted(glob.glob(os.path.join(cache_dir("kernels"), "*", ""))):
        try:
            kernel = Kernel(directory, name)
        except (OSError, GuestError):
            continue
        if kernel.release == release:
            return kernel
    return None


def _recall(path, name):
    """What the name meant last time, so that boots need no network (`guests/boot --update` asks again)."""
    try:
        with open(path) as f:
            directory = os.path.join(cache_dir("kernels"), f.read().strip())
        return Kernel(directory, name)
    except (OSError, GuestError):
        return None


def forget(name):
    """Makes the next find() ask the archive what the name means."""
    try:
        os.unlink(os.path.join(cache_dir("kernels"), "name-" + name))
    except OSError:
        pass
    for codename in CODENAMES:
        stamp = os.path.join(cache_dir("apt", codename), "updated")
        if os.path.exists(stamp):
            os.unlink(stamp)
