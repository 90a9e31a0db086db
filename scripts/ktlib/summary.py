# SPDX-License-Identifier: GPL-2.0
"""What a user reads when a run has ended: the table, the failures, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ktlib.console import Report
from ktlib.ktap import Status, TestResult
from ktlib.outcome import Outcome
from ktlib.qemu import CONSOLE_LOG, KTAP_LOG
from ktlib.ui import Ui
from ktlib.verdict import Verdict

_MAX_FAILURES = 10
_MAX_DIAGNOSTICS = 12
_MAX_EXCERPT = 30


@dataclass(frozen=True)
class Suite:
    """Counts of one suite; `seconds` is None when nobody looked at the clock."""

    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float | None

    @property
    def tests(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.skipped


def suites_of(tests: Sequence[TestResult], arrival: Mapping[int, float]) -> list[Suite]:
    """Tests by suite in the order of the run; `arrival` has the seconds at which a line came."""
    suites, before = [], 0.0
    for name, members in groups_of(tests).items():
        after = max((arrival[test.line] for test in members if test.line in arrival), default=None)
        seconds = None if after is None else round(max(after - before, 0.0), 1)
        before = after if after is not None else before
        failed = sum(test.status.is_bad for test in members)
        skipped = sum(test.status is Status.SKIP for test in members)
        passed = len(members) - failed - skipped
        suites.append(Suite(name, passed, failed, skipped, seconds))
    return suites


def groups_of(tests: Sequence[TestResult]) -> dict[str, list[TestResult]]:
    """The tests of each suite, in the order of the run."""
    groups: dict[str, list[TestResult]] = {}
    for test in tests:
        groups.setdefault(_suite_of(test), []).append(test)
    return groups


def _suite_of(test: TestResult) -> str:
    """A suite of KUnit, or a program of the kselftests."""
    parts = test.name.split(".")
    return ".".join(parts[:3] if parts[0] == "kselftest" else parts[:1])


@dataclass(frozen=True)
class Crash:
    """The first thing that the kernel reported: `lines` are what is worth reading of it."""

    report: Report
    lines: Sequence[str]


def show(
    ui: Ui,
    folder: Path,
    verdict: Verdict,
    suites: Sequence[Suite],
    tests: Sequence[TestResult],
    crash: Crash | None,
) -> None:
    """Print it all; the verdict comes last, where it is not scrolled away."""
    if suites:
        _show_table(ui, suites)
    failures = [test for test in tests if test.status.is_bad]
    for test in failures[:_MAX_FAILURES]:
        _show_failure(ui, test, folder)
    if len(failures) > _MAX_FAILURES:
        ui.line(f"... and {len(failures) - _MAX_FAILURES} more in {folder / KTAP_LOG}")
    if crash:
        _show_crash(ui, crash, folder)
    _show_verdict(ui, verdict, folder)


def _show_table(ui: Ui, suites: Sequence[Suite]) -> None:
    rows = [
        (
            suite.name,
            *(str(count) for count in (suite.tests, suite.passed, suite.failed, suite.skipped)),
            "" if suite.seconds is None else str(suite.seconds),
        )
        for suite in suites
    ]
    ui.line()
    ui.table(("suite", "tests", "passed", "failed", "skipped", "seconds"), rows)


def _show_failure(ui: Ui, test: TestResult, folder: Path) -> None:
    note = f": {test.note}" if test.note else ""
    ui.line()
    ui.line(f"{ui.paint(test.status.value, 'red')}: {test.name}{note}")
    for line in test.diagnostics[-_MAX_DIAGNOSTICS:]:
        ui.line(f"    {line}")
    ui.line(f"    see {folder / KTAP_LOG}:{test.line}")


def _show_crash(ui: Ui, crash: Crash, folder: Path) -> None:
    ui.line()
    ui.line(f"{ui.paint('the kernel reported', 'red')}: {crash.report.title}")
    for line in crash.lines[:_MAX_EXCERPT]:
        ui.line(f"    {line}")
    if len(crash.lines) > _MAX_EXCERPT:
        ui.line("    ...")
    ui.line(f"    see {folder / CONSOLE_LOG}:{crash.report.line}")


def _show_verdict(ui: Ui, verdict: Verdict, folder: Path) -> None:
    good = verdict.outcome is Outcome.PASS
    ui.line()
    for reason in verdict.reasons[:_MAX_FAILURES]:
        ui.line(f"  {reason}")
    word = ui.paint(verdict.outcome.name, "green" if good else "red")
    ui.line(f"{word}: {verdict.outcome.summary}; all of it is in {folder}")
