# SPDX-License-Identifier: GPL-2.0
"""The kernel's own kselftests without the series and with it: nothing may come out differently.

A test that differs is run again, alone and on both kernels, since some depend on the load of the
machine. What it gave in any run counts: it differs when the kernels have no result in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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

Try = Callable[[str, str | None], RunResult]
"""Runs the kselftests on a kernel, BASE or SERIES: one as folder:program, all for None."""


@dataclass
class Findings:
    """Of each test all statuses that it had on each kernel; names are unique in a run."""

    statuses: dict[str, dict[str, set[str]]] = field(default_factory=lambda: {BASE: {}, SERIES: {}})

    def add(self, kernel: str, tests: Iterable[TestResult]) -> None:
        """Take in a run of a kernel, or of some tests of it."""
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


def compare(programs: Sequence[str], try_it: Try, ui: Ui) -> Outcome:
    """Run them on both kernels and show what differs; FAIL when anything does."""
    findings = Findings()
    for kernel in (BASE, SERIES):
        ui.banner(kernel)
        findings.add(kernel, _whole(try_it(kernel, None), kernel))
    for attempt in range(1, _ATTEMPTS):
        for program in _programs_of(findings.differing(), programs):
            ui.banner(f"{program}, once more ({attempt} of {_ATTEMPTS - 1})")
            for kernel in (BASE, SERIES):
                findings.add(kernel, _whole(try_it(kernel, program), kernel))
    return _report(findings, ui)


def _whole(result: RunResult, kernel: str) -> tuple[TestResult, ...]:
    if result.outcome not in _USABLE or not result.complete:
        raise KtError(
            f"the run {kernel} ended with {result.outcome.name}",
            outcome=result.outcome,
            hint="\n".join([*result.reasons[:3], f"see {result.run_dir}"]),
        )
    return result.tests


def _programs_of(tests: Iterable[str], programs: Sequence[str]) -> list[str]:
    """The programs that have these tests."""
    prefixes = {f"kselftest.{name.replace(':', '.')}": name for name in programs}
    found = [
        name
        for test in tests
        for prefix, name in prefixes.items()
        if test == prefix or test.startswith(f"{prefix}.")
    ]
    return list(dict.fromkeys(found))


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
    ui.line(f"{same} passed, {len(differing)} failed")
    return Outcome.FAIL if differing else Outcome.PASS
