# SPDX-License-Identifier: GPL-2.0
"""How a job can end. Every way has an exit code of its own, so that callers need not read text."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """One way to end; members are listed from the best to the worst."""

    PASS = (0, "every test that could run passed")
    SKIP = (4, "tests that had to run were skipped")
    FAIL = (1, "a test failed")
    TIMEOUT = (11, "a test, or the whole run, took longer than it may")
    NO_TESTS = (12, "the guest ran to its end without a single test")
    LOST = (13, "the guest was gone before it said that it was done")
    HANG = (14, "the guest went silent")
    BOOT_FAIL = (15, "the kernel did not get as far as its init")
    CRASH = (16, "the kernel reported a bug of its own")
    BUILD_FAIL = (20, "the kernel or its tests do not build")
    APPLY_FAIL = (21, "the series does not apply")
    INFRA = (30, "the machine, not the kernel, is at fault")

    def __init__(self, exit_code: int, summary: str) -> None:
        self.exit_code = exit_code
        self.summary = summary

    @property
    def severity(self) -> int:
        """Place in the order from best (0) to worst."""
        return list(Outcome).index(self)
