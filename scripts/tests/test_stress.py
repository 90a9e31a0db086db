# SPDX-License-Identifier: GPL-2.0
"""What revoke-stress is told, and what is made of what it says."""

import io
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

from ktlib import stress
from ktlib.errors import KtError
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.run import RunResult
from ktlib.scenarios import find_profile
from ktlib.stress import Plan, Sums
from ktlib.ui import Ui

PLAIN = find_profile(Paths.of_checkout().kernel_config, "plain")


class PlanTest(unittest.TestCase):
    def test_profile_decides_what_nobody_asked_for(self) -> None:
        wanted = ' KSELFTEST_REVOKE_STRESS_ARGS="--profile quick --duration 20"'
        self.assertEqual(Plan().words(PLAIN), wanted)
        self.assertEqual(Plan().extra_s(PLAIN), 0)

    def test_all_that_can_be_asked_for(self) -> None:
        plan = Plan(duration_s=90, seed=0, workloads="io,memory")
        self.assertIn("--duration 90 --seed 0 --workloads io,memory", plan.words(PLAIN))
        self.assertGreater(plan.extra_s(PLAIN), 90)

    def test_the_runner_waits_longer_than_the_program_takes(self) -> None:
        self.assertEqual(Plan(duration_s=3600).timeout_word(), " f_revoke.timeout=11400")

    def test_durations(self) -> None:
        for text, seconds in {"90": 90, "90s": 90, "1.5m": 90, "2h": 7200}.items():
            self.assertEqual(stress.parse_duration(text), seconds)
        for text in ("", "0", "-5", "5 m", "1d"):
            with self.assertRaisesRegex(KtError, "is no duration"):
                stress.parse_duration(text)

    def test_workloads_stay_one_word(self) -> None:
        self.assertEqual(stress.parse_workloads("io,self-removal"), "io,self-removal")
        with self.assertRaisesRegex(KtError, "no names of workloads"):
            stress.parse_workloads('io" panic=0')


class ReportTest(unittest.TestCase):
    def setUp(self) -> None:
        self.top = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.printed = io.StringIO()
        self.ui = Ui(self.printed, {})

    def run_of(self, profile: str, violations: list[str], outcome: Outcome) -> RunResult:
        """A run that left a result."""
        folder = self.top / profile
        (folder / "files").mkdir(parents=True)
        races = {"rounds": 0, "operation_ahead": 0, "removal_ahead": 0, "overlapping": 0}
        workload: dict[str, Any] = {
            **{"source": "test_revoke", "workload": "io", "skipped": "", "history": ""},
            **{"operations": 1200, "removals": 40, "raced": 7, "seconds": 1.5},
            **{"races": races, "violations": violations},
        }
        rows = [
            {"open_files": 0, "buckets": [1], "total": 30, "longest_ns": 5},
            {"open_files": 1, "buckets": [1], "total": 8, "longest_ns": 5},
            {"open_files": 4, "buckets": [1], "total": 2, "longest_ns": 5},
        ]
        content = {
            **{"seed": 1, "profile": "quick", "kernel": "7.3", "ok": not violations},
            **{"notes": [], "workloads": [workload], "removal_latency": rows},
        }
        (folder / "files" / "result.json").write_text(json.dumps(content))
        return RunResult(outcome, folder)

    def test_page_and_sums(self) -> None:
        sums = stress.report(self.run_of("plain", [], Outcome.PASS), self.ui)
        self.assertEqual(sums, Sums(operations=1200, removals=40, with_files=10))
        self.assertIn("<svg", (self.top / "plain" / "report.html").read_text())

    def test_no_result(self) -> None:
        self.assertIsNone(stress.report(RunResult(Outcome.CRASH, self.top), self.ui))
        self.assertIn("left no result.json", self.printed.getvalue())

    def test_soak_adds_up(self) -> None:
        outcome = stress.soak(
            lambda profile: self.run_of(profile, [], Outcome.PASS), ("plain", "debug"), self.ui
        )
        self.assertIs(outcome, Outcome.PASS)
        self.assertRegex(self.printed.getvalue(), r"total +2,400 +80 +20 +0")

    def test_soak_fails_with_one(self) -> None:
        def run(profile: str) -> RunResult:
            bad = profile == "plain"
            return self.run_of(
                profile, ["late"] if bad else [], Outcome.FAIL if bad else Outcome.PASS
            )

        self.assertIs(stress.soak(run, ("plain", "debug"), self.ui), Outcome.FAIL)
        self.assertRegex(self.printed.getvalue(), r"total .* 1\b")

    def test_soak_fails_without_a_result(self) -> None:
        outcome = stress.soak(
            lambda profile: RunResult(Outcome.CRASH, self.top / profile), ("plain",), self.ui
        )
        self.assertIs(outcome, Outcome.FAIL)
