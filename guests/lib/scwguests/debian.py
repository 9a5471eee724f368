# SPDX-License-Identifier: MIT
"""Debian packages through apt with its own state: the system's sources and status stay untouched."""

import os
import re
import shutil
import subprocess
import time

from . import GuestError
from .paths import cache_dir, lock

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CODENAMES = ("bullseye", "bookworm", "trixie", "forky", "sid")
SYSTEM_NAMES = CODENAMES + ("oldoldstable", "oldstable", "stable", "testing", "unstable", "buster")
LISTS_MAX_AGE = 7 * 24 * 3600


def mirror():
    """(archive URL, security archive URL or None), from the environment or from the system's own sources."""
    main = os.environ.get("SCW_DEBIAN_MIRROR")
    security = os.environ.get("SCW_DEBIAN_SECURITY_MIRROR")
    if main:
        return main.rstrip("/"), security
    found = subprocess.run(["apt-get", "update", "--print-uris"], capture_output=True, text=True,
                           check=False).stdout
    names = "|".join(SYSTEM_NAMES)
    pattern = r"'(\S+?)/dists/(?:%s)(-security|/updates)?/InRelease'" % names
    for url, is_security in re.findall(pattern, found):
        if is_security:
            security = security or url
        else:
            main = main or url
    if not main:
        raise GuestError("no Debian archive among apt's sources: set SCW_DEBIAN_MIRROR (and "
                         "SCW_DEBIAN_SECURITY_MIRROR) to the archive's URL")
    return main, security


class Archive:
    """One release of Debian (with its updates and security fixes) as apt sees it."""

    def __init__(self, codename):
        self.codename = codename
        self.root = cache_dir("apt", codename)
        self.config = os.path.join(self.root, "apt.conf")
        self._refreshed = False

    def refresh(self):
        """Reads the lists anew, once: what they name may have been replaced. False: did so before."""
        if self._refreshed:
            return False
        self._refreshed = True
        self.update(force=True)
        return True

    def _configure(self):
        main, security = mirror()
        suites = [(main, self.codename)]
        if self.codename != "sid":
            if security:
                suites.append((security, self.codename + "-security"))
            # an archived release keeps its name but may lose its updates suite
            if self.codename != "bullseye":
                suites.append((main, self.codename + "-updates"))
        if self.codename in ("bookworm", "trixie"):
            suites.append((main, self.codename + "-backports"))
        for name in ("lists/partial", "archives/partial"):
            os.makedirs(os.path.join(self.root, name), exist_ok=True)
        with open(os.path.join(self.root, "sources.list"), "w") as f:
            for url, suite in suites:
                f.write("deb [arch=amd64 signed-by=%s] %s %s main\n" % (KEYRING, url, suite))
        with open(os.path.join(self.root, "status"), "w"):
            pass
        with open(self.config, "w") as f:
            f.write('Dir::Etc::sourcelist "{0}/sources.list";\nDir::Etc::sourceparts "-";\n'
                    'Dir::Etc::preferencesparts "-";\nDir::State "{0}";\n'
                    'Dir::State::status "{0}/status";\nDir::State::lists "{0}/lists";\n'
                    'Dir::Cache "{0}";\nDir::Cache::archives "{0}/archives";\n'
                    'Dir::Cache::pkgcache "{0}/pkgcache.bin";\n'
                    'Dir::Cache::srcpkgcache "{0}/srcpkgcache.bin";\n'
                    'APT::Architecture "amd64";\nAPT::Architectures {{ "amd64"; }};\n'
                    'APT::Install-Recommends "0";\nAPT::Sandbox::User "";\n'
                    'APT::Default-Release "{1}";\nAcquire::Languages "none";\n'
                    'Acquire::Check-Valid-Until "false";\nDebug::NoLocking "1";\n'
                    .format(self.root, self.codename))

    def _run(self, *command, **kwargs):
        environment = dict(os.environ, APT_CONFIG=self.config, LC_ALL="C")
        return subprocess.run(command, env=environment, capture_output=True, text=True,
                              check=False, **kwargs)

    def update(self, force=False):
        """Makes sure that the package lists are there and not too old."""
        if not shutil.which("apt-get"):
            raise GuestError("apt-get is missing: test guests are made of Debian packages")
        if not os.path.exists(KEYRING):
            raise GuestError("%s is missing: install debian-archive-keyring" % KEYRING)
        stamp = os.path.join(self.root, "updated")
        with lock(os.path.join(self.root, "lock")):
            try:
                age = time.time() - os.stat(stamp).st_mtime
            except OSError:
                age = None
            if not force and age is not None and age < LISTS_MAX_AGE:
                return
            self._configure()
            done = self._run("apt-get", "-q", "update")
            if done.returncode and age is None and not self._run(
                    "apt-cache", "pkgnames", "linux-image").stdout:
                raise GuestError("cannot read Debian's package lists for %s: %s" %
                                 (self.codename, _last_line(done.stderr)))
            with open(stamp, "w"):
                pass

    def names(self, prefix):
        """Names of the packages that start with `prefix`."""
        return self._run("apt-cache", "pkgnames", prefix).stdout.split()

    def versions(self, package):
        """The package's versions, best first."""
        return re.findall(r"^ *\S+ \| (\S+) \|",
                          self._run("apt-cache", "madison", package).stdout, re.M)

    def field(self, package, name):
        """A field of the package's control data ("" if it has none)."""
        shown = self._run("apt-cache", "--no-all-versions", "show", package).stdout
        found = re.search(r"^%s: (.*)$" % re.escape(name), shown, re.M)
        return found.group(1) if found else ""

    def download(self, package):
        """Fetches one package ("name" or "name=version"); the path of the .deb."""
        name = package.partition("=")[0]
        directory = cache_dir("packages")
        for attempt in range(2):
            with lock(os.path.join(directory, ".lock-" + name)):
                done = self._run("apt-get", "-q", "download", "--print-uris", package)
                found = re.search(r"^'\S+' (\S+) ", done.stdout, re.M)
                if found:
                    path = os.path.join(directory, found.group(1))
                    if os.path.exists(path):
                        return path
                    part = os.path.join(directory, "part-%d" % os.getpid())
                    os.makedirs(part, exist_ok=True)
                    done = self._run("apt-get", "-q", "download", package, cwd=part)
                    got = os.listdir(part)
                    if not done.returncode and got:
                        os.rename(os.path.join(part, got[0]), path)
                    shutil.rmtree(part)
                    if not done.returncode and got:
                        return path
            if attempt or not self.refresh():
                break
        raise GuestError("cannot download %s: %s" % (package, _last_line(done.stderr)))

    def closure(self, packages):
        """Fetches packages and all that they depend on; the paths of the .deb files."""
        directory = os.path.join(self.root, "archives")
        command = ["apt-get", "-q", "-y", "install"] + list(packages)
        for attempt in range(2):
            listed = self._run(*command, "--print-uris")
            done = self._run(*command, "--download-only")
            if not done.returncode and not listed.returncode:
                names = re.findall(r"^'\S+' (\S+\.deb) ", listed.stdout, re.M)
                paths = [os.path.join(directory, n) for n in names]
                # whatever was fetched before isn't listed again
                return sorted(set(paths) | {os.path.join(directory, n)
                                            for n in os.listdir(directory) if n.endswith(".deb")})
            if attempt or not self.refresh():
                break
        raise GuestError("cannot download the guest's packages: %s" % _last_line(done.stderr))


def _last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def unpack(deb, directory):
    """Unpacks a package's files, without installing it."""
    done = subprocess.run(["dpkg", "-x", deb, directory], capture_output=True, text=True, check=False)
    if done.returncode:
        raise GuestError("cannot unpack %s: %s" % (deb, _last_line(done.stderr)))
