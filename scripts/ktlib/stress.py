# SPDX-License-Identifier: GPL-2.0
"""revoke-stress in guests: how it is told what to do, and what came of it.

The kernel's command line becomes the environment of the guest's init, and from there the
kselftests' runner takes arguments for a program of theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ktlib import rundir, stress_report
from ktlib.errors import KtError
from ktlib.outcome import Outcome
from ktlib.run import RunResult
from ktlib.scenarios import Profile
from ktlib.ui import Ui

SOAK_PROFILES = ("plain", "debug", "kcsan", "fault")
"""Each finds something that the others do not."""

_ARGUMENTS = "KSELFTEST_REVOKE_STRESS_ARGS"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smh]?)")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
# Races go on until each order was met, up to ten times as long as they should take.
_PATIENCE, _SPARE_S = 3.0, 600.0


@dataclass(frozen=True)
class Plan:
    """What is asked for; what is not, None or empty, is as the profile has it."""

    duration_s: float | None = None
    seed: int | None = None
    workloads: str = ""

    def extra_s(self, profile: Profile) -> float:
        """By how much the run may be longer than one of the profile."""
        return _PATIENCE * max((self.duration_s or 0) - profile.stress_duration_s, 0)

    def words(self, profile: Profile) -> str:
        """For the kernel's command line."""
        options = [
            f"--profile {profile.stress_profile}",
            f"--duration {self.duration_s or profile.stress_duration_s:g}",
        ]
        if self.seed is not None:
            options.append(f"--seed {self.seed}")
        if self.workloads:
            options.append(f"--workloads {self.workloads}")
        return f' {_ARGUMENTS}="{" ".join(options)}"'

    def timeout_word(self) -> str:
        """For a run of nothing else: the time that the runner gives it."""
        return f" f_revoke.timeout={_PATIENCE * (self.duration_s or 0) + _SPARE_S:.0f}"


def parse_duration(text: str) -> float:
    """Seconds, of '90', '90s', '30m' or '2h'."""
    found = _DURATION.fullmatch(text)
    if not found or not float(found[1]):
        raise KtError(f"'{text}' is no duration", hint="say it like 90s, 30m or 2h")
    return float(found[1]) * _SECONDS[found[2]]


def parse_workloads(text: str) -> str:
    """Names with commas between them: they become part of the kernel's command line."""
    if not re.fullmatch(r"[\w,-]*", text):
        raise KtError(f"'{text}' are no names of workloads", hint="say them like io,memory")
    return text


@dataclass(frozen=True)
class Sums:
    """Of a run: operations, removals, removals with open files, violations."""

    operations: int = 0
    removals: int = 0
    with_files: int = 0
    violations: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.operations + other.operations,
            self.removals + other.removals,
            self.with_files + other.with_files,
            self.violations + other.violations,
        )

    @classmethod
    def of(cls, result: dict[str, Any]) -> Sums:
        """From a result.json of the program."""
        workloads, latency = result["workloads"], result["removal_latency"]
        return cls(
            sum(one["operations"] for one in workloads),
            sum(row["total"] for row in latency),
            sum(row["total"] for row in latency if row["open_files"]),
            sum(len(one["violations"]) for one in workloads),
        )

    def cells(self) -> tuple[str, ...]:
        """For a table with the columns of COLUMNS."""
        figures = (self.operations, self.removals, self.with_files, self.violations)
        return tuple(f"{figure:,}" for figure in figures)


COLUMNS = ("operations", "removals", "with open files", "violations")


def report(run: RunResult, ui: Ui) -> Sums | None:
    """Write report.html into the folder of a run and say where; None when it left no result."""
    file = run.run_dir / rundir.FILES / "result.json"
    if not file.exists():
        ui.warn(f"revoke-stress left no result.json: see {run.run_dir}")
        return None
    result = json.loads(file.read_text("utf-8"))
    page = run.run_dir / "report.html"
    page.write_text(stress_report.report(result), "utf-8")
    ui.info(f"report: {page}")
    return Sums.of(result)


def soak(run: Callable[[str], RunResult], profiles: Sequence[str], ui: Ui) -> Outcome:
    """Run it with each profile and add up; FAIL when one did not pass."""
    rows, total, passed = [], Sums(), True
    for profile in profiles:
        ui.banner(profile)
        result = run(profile)
        sums = report(result, ui) or Sums()
        total += sums
        passed = passed and result.outcome is Outcome.PASS
        rows.append((profile, result.outcome.name, *sums.cells(), result.run_dir.name))
    ui.line()
    ui.table(("profile", "outcome", *COLUMNS, "run"), [*rows, ("total", "", *total.cells(), "")])
    return Outcome.PASS if passed else Outcome.FAIL
