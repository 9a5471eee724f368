# SPDX-License-Identifier: MIT
"""Debian source packages, through apt with its own state: the system's sources stay untouched."""

import glob
import os
import shutil
import subprocess
import time

from . import GuestError
from .debian import KEYRING, mirror
from .paths import cache_dir, lock

RELEASE = "bookworm"
FRESH = 30 * 24 * 3600 # seconds for which a fetched package isn't asked for anew


def _apt(root, *command):
    config = {
        "Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": os.path.join(root, "parts"),
        "Dir::Etc::preferencesparts": "-", "Dir::State::lists": os.path.join(root, "lists"),
        "Dir::Cache": root, "APT::Sandbox::User": "", "Debug::NoLocking": "1",
        "Acquire::Languages": "none",
    }
    options = [part for name, value in config.items() for part in ("-o", "%s=%s" % (name, value))]
    return ["apt-get", "-q", *options, *command]


def _update(root):
    """Reads the lists of source packages, if that wasn't done in the last hour."""
    stamp = os.path.join(root, "updated")
    if os.path.exists(stamp) and time.time() - os.stat(stamp).st_mtime < 3600:
        return
    main, security = mirror()
    suites = [(main, RELEASE + " " + RELEASE + "-updates")]
    if security:
        suites.append((security, RELEASE + "-security"))
    for name in ("parts", "lists/partial"):
        os.makedirs(os.path.join(root, name), exist_ok=True)
    with open(os.path.join(root, "parts", "source.sources"), "w") as f:
        for url, names in suites:
            f.write("Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n" %
                    (url, names, KEYRING))
    # without this, sources that can't be reached are only warned of
    subprocess.run(_apt(root, "-o", "APT::Update::Error-Mode=any", "update"), check=True,
                   capture_output=True, text=True)
    with open(stamp, "w"):
        pass


def fetch(package):
    """
    The path of the package's .dsc, with what it names beside it: from the cache, or, when there is none
    or it is old, from Debian's archive; apt checks the signatures. An old one will do when there is no
    archive.
    """
    folder = cache_dir("sources", package)
    root = cache_dir("sources", ".apt")
    stamp = os.path.join(folder, "fetched")
    with lock(os.path.join(root, "lock")):
        here = glob.glob(os.path.join(folder, "*.dsc")) if os.path.exists(stamp) else []
        if here and time.time() - os.stat(stamp).st_mtime < FRESH:
            return here[0]
        part = folder + ".part"
        shutil.rmtree(part, ignore_errors=True)
        os.mkdir(part)
        try:
            _update(root)
            subprocess.run(_apt(root, "source", "--download-only", package), cwd=part, check=True,
                           capture_output=True, text=True)
        except (subprocess.CalledProcessError, FileNotFoundError, GuestError) as e:
            shutil.rmtree(part)
            if here:
                return here[0]
            text = (getattr(e, "stderr", None) or str(e)).strip().splitlines()
            text = [line[3:] for line in text if line.startswith("E: ")] or text[-1:] # the first error
            raise GuestError("cannot download the source package %s of Debian %s: %s; it needs the "
                             "network once, and is kept in %s" %
                             (package, RELEASE, text[0] if text else e, folder)) from e
        with open(os.path.join(part, "fetched"), "w"):
            pass
        shutil.rmtree(folder)
        os.rename(part, folder)
        return glob.glob(os.path.join(folder, "*.dsc"))[0]


def unpack(dsc, folder):
    """Unpacks a source package, Debian's patches applied, as `folder`, which must not be there."""
    try:
        done = subprocess.run(["dpkg-source", "--no-check", "-x", dsc, folder], capture_output=True,
                              text=True, check=False)
    except FileNotFoundError as e:
        raise GuestError("dpkg-source is missing: install dpkg-dev") from e
    if done.returncode:
        text = done.stderr.strip().splitlines()
        raise GuestError("cannot unpack %s: %s" % (dsc, text[-1] if text else "no message"))
