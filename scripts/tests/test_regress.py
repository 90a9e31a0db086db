# SPDX-License-Identifier: GPL-2.0
"""The comparison of two kernels, with runs that are made up."""

import io
import unittest
from pathlib import Path

from ktlib import ktap, regress
from ktlib.errors import KtError
from ktlib.ktap import Status
from ktlib.outcome import Outcome
from ktlib.regress import BASE, SERIES
from ktlib.run import RunResult
from ktlib.ui import Ui

Statuses = dict[str, Status]
PROGRAMS = ["proc:read", "filesystems/epoll:wakeup"]


def run_of(statuses: Statuses, outcome: Outcome = Outcome.FAIL) -> RunResult:
    tests = tuple(ktap.TestResult(name, status, "", (), 1) for name, status in statuses.items())
    return RunResult(outcome, Path("run"), tests)


class RegressCase(unittest.TestCase):
    """`runs` has the results of each kernel, the whole run first, then the repetitions."""

    def compare(self, runs: dict[str, list[Statuses]]) -> Outcome:
        self.asked: list[tuple[str, str | None]] = []
        left = {kernel: list(found) for kernel, found in runs.items()}

        def try_it(kernel: str, program: str | None) -> RunResult:
            self.asked.append((kernel, program))
            return run_of(left[kernel].pop(0))

        self.printed = io.StringIO()
        return regress.compare(PROGRAMS, try_it, Ui(self.printed, {}))

    def test_equal_results_pass_even_if_bad(self) -> None:
        same = {
            "kselftest.proc.read": Status.PASS,
            "kselftest.filesystems/epoll.wakeup": Status.FAIL,
        }
        self.assertEqual(self.compare({BASE: [same], SERIES: [same]}), Outcome.PASS)
        self.assertEqual(self.asked, [(BASE, None), (SERIES, None)])
        self.assertIn("2 passed, 0 failed", self.printed.getvalue())

    def test_steady_difference_fails(self) -> None:
        good = {"kselftest.proc.read.1": Status.PASS}
        bad = {"kselftest.proc.read.1": Status.FAIL}
        self.assertEqual(self.compare({BASE: [good] * 3, SERIES: [bad] * 3}), Outcome.FAIL)
        self.assertEqual(self.asked[2:], [(BASE, "proc:read"), (SERIES, "proc:read")] * 2)
        self.assertIn("kselftest.proc.read.1", self.printed.getvalue())

    def test_an_improvement_is_a_difference(self) -> None:
        good = {"kselftest.proc.read": Status.PASS}
        bad = {"kselftest.proc.read": Status.FAIL}
        self.assertEqual(self.compare({BASE: [bad] * 3, SERIES: [good] * 3}), Outcome.FAIL)

    def test_unsteady_tests_do_not_count(self) -> None:
        good = {"kselftest.proc.read": Status.PASS}
        bad = {"kselftest.proc.read": Status.FAIL}
        self.assertEqual(self.compare({BASE: [good, bad], SERIES: [bad, bad]}), Outcome.PASS)
        self.assertIn("1 unsteady", self.printed.getvalue())

    def test_missing_test_fails(self) -> None:
        more = {"kselftest.proc.read": Status.PASS, "kselftest.proc.read.2": Status.PASS}
        less = {"kselftest.proc.read": Status.PASS}
        self.assertEqual(self.compare({BASE: [more] * 3, SERIES: [less] * 3}), Outcome.FAIL)
        self.assertIn("absent", self.printed.getvalue())

    def test_crash_of_a_kernel_is_told(self) -> None:
        def crash(_kernel: str, _program: str | None) -> RunResult:
            return run_of({}, Outcome.CRASH)

        with self.assertRaises(KtError) as caught:
            regress.compare(PROGRAMS, crash, Ui(io.StringIO(), {}))
        self.assertIn(BASE, str(caught.exception))
        self.assertEqual(caught.exception.outcome, Outcome.CRASH)
