# SPDX-License-Identifier: GPL-2.0
"""Counting checks, and keeping what the failed ones said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

_SHOWN = 40


@dataclass
class Tally:
    """How many checks passed and failed, and what the failed ones said."""

    passed: int = 0
    failed: int = 0
    details: list[str] = field(default_factory=list)

    def add(self, name: str, complaint: str = "") -> None:
        """One more check: passed when there is no complaint."""
        if not complaint:
            self.passed += 1
            return
        self.failed += 1
        self.details += [f"{name}:", *complaint.strip().splitlines()[-_SHOWN:]]

    @classmethod
    def sum(cls, tallies: Iterable[Tally]) -> Tally:
        """All of them in one."""
        total = cls()
        for tally in tallies:
            total.passed += tally.passed
            total.failed += tally.failed
            total.details += tally.details
        return total
