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


def run_of(statuses: Statuses, outcome: Outcome = Outcome.FAIL) -> RunResult:
    tests = tuple(ktap.TestResult(name, status, "", (), 1) for name, status in statuses.items())
    return RunResult(outcome, Path("run"), tests)


class RegressCase(unittest.TestCase):
    """`runs` has the results of each kernel, run by run."""

    def compare(self, runs: dict[str, list[Statuses]]) -> Outcome:
        left = {kernel: list(found) for kernel, found in runs.items()}
        self.printed = io.StringIO()
        return regress.compare(lambda kernel: run_of(left[kernel].pop(0)), Ui(self.printed, {}))

    def test_equal_results_pass_even_if_bad(self) -> None:
        same = {
            "kselftest.proc.read": Status.PASS,
            "kselftest.filesystems/epoll.wakeup": Status.FAIL,
        }
        self.assertEqual(self.compare({BASE: [same], SERIES: [same]}), Outcome.PASS)
        self.assertIn("2 the same, 0 different", self.printed.getvalue())

    def test_steady_difference_fails(self) -> None:
        good = {"kselftest.proc.read.1": Status.PASS}
        bad = {"kselftest.proc.read.1": Status.FAIL}
        self.assertEqual(self.compare({BASE: [good] * 3, SERIES: [bad] * 3}), Outcome.FAIL)
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

    def test_run_without_tests_is_none(self) -> None:
        with self.assertRaises(KtError):
            self.compare({BASE: [{}], SERIES: [{}]})

    def test_crash_of_a_kernel_is_told(self) -> None:
        def crash(_kernel: str) -> RunResult:
            return run_of({}, Outcome.CRASH)

        with self.assertRaises(KtError) as caught:
            regress.compare(crash, Ui(io.StringIO(), {}))
        self.assertIn(BASE, str(caught.exception))
        self.assertEqual(caught.exception.outcome, Outcome.CRASH)
