# SPDX-License-Identifier: MIT
"""Test guests: virtual machines built from Debian packages. See docs/GUESTS.md."""


class GuestError(Exception):
    """What went wrong and what to do, in one line for the user."""
