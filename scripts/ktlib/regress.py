# SPDX-License-Identifier: GPL-2.0
"""The kernel's own kselftests without the series and with it: nothing may come out differently.

When a test differs, everything is run again on both kernels: some depend on the load of the
machine, and others on what those before them have left. A test differs when the kernels have no
result in common after all runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ktlib.errors import KtError
from ktlib.ktap import TestResult
from ktlib.outcome import Outcome
from ktlib.run import RunResult
from ktlib.ui import Ui

BASE, SERIES = "without the series", "with the series"
_ATTEMPTS = 3
_ABSENT = "absent"
# What tests that fail may end a run with; anything else is the kernel's or the machine's doing.
_USABLE = (Outcome.PASS, Outcome.FAIL, Outcome.SKIP, Outcome.TIMEOUT)

Try = Callable[[str], RunResult]
"""Runs all kselftests on a kernel, BASE or SERIES."""


@dataclass
class Findings:
    """Of each test all statuses that it had on each kernel; names are unique in a run."""

    statuses: dict[str, dict[str, set[str]]] = field(default_factory=lambda: {BASE: {}, SERIES: {}})

    def add(self, kernel: str, tests: Iterable[TestResult]) -> None:
        """Take in a run of a kernel."""
        for test in tests:
            self.statuses[kernel].setdefault(test.name, set()).add(test.status.value)

    def of(self, kernel: str, test: str) -> set[str]:
        """The statuses of one test."""
        return self.statuses[kernel].get(test, {_ABSENT})

    def differing(self) -> list[str]:
        """Tests of which the kernels have no status in common."""
        names = dict.fromkeys([*self.statuses[BASE], *self.statuses[SERIES]])
        return [name for name in names if not self.of(BASE, name) & self.of(SERIES, name)]

    def counts(self, kernel: str) -> str:
        """How many tests had which status in words; one that had several counts as unsteady."""
        words = [
            next(iter(found)) if len(found) == 1 else "unsteady"
            for found in self.statuses[kernel].values()
        ]
        return ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words)))


def compare(try_it: Try, ui: Ui) -> Outcome:
    """Run them on both kernels and show what differs; FAIL when anything does."""
    findings = Findings()
    for attempt in range(1, _ATTEMPTS + 1):
        for kernel in (BASE, SERIES):
            ui.banner(f"{kernel}, run {attempt}")
            findings.add(kernel, _whole(try_it(kernel), kernel))
        if not findings.differing():
            break
    return _report(findings, ui)


def _whole(result: RunResult, kernel: str) -> tuple[TestResult, ...]:
    if result.outcome not in _USABLE or not result.complete or not result.tests:
        raise KtError(
            f"the run {kernel} ended with {result.outcome.name}",
            outcome=result.outcome,
            hint="\n".join([*result.reasons[:3], f"see {result.run_dir}"]),
        )
    return result.tests


def _report(findings: Findings, ui: Ui) -> Outcome:
    differing = findings.differing()
    for kernel in (BASE, SERIES):
        ui.line(f"{kernel}: {findings.counts(kernel)}")
    if differing:
        rows = [
            (name, *("/".join(sorted(findings.of(kernel, name))) for kernel in (BASE, SERIES)))
            for name in differing
        ]
        ui.table(("test", BASE, SERIES), rows)
    same = len(findings.statuses[BASE].keys() | findings.statuses[SERIES].keys()) - len(differing)
    ui.line(f"{same} the same, {len(differing)} different")
    return Outcome.FAIL if differing else Outcome.PASS
