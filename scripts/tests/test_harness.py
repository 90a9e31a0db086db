# SPDX-License-Identifier: GPL-2.0
"""What the tests of the stress program print, judged."""

import unittest

from ktlib.harness import judge

GOOD = "[==========] Running 3 tests.\n[==========] 3 tests from 2 test suites ran. (4 ms total)\n"


class JudgeTest(unittest.TestCase):
    def test_counts_what_passed(self) -> None:
        tally = judge("thread", GOOD, 0)
        self.assertEqual((tally.passed, tally.failed), (4, 0))

    def test_names_what_failed(self) -> None:
        failed = "[  FAILED  ] A.B (1 ms)\n[  FAILED  ] C/D.E/f, where GetParam() = 1 (2 ms)\n"
        summary = "[  FAILED  ] 2 tests, listed below:\n[  FAILED  ] A.B\n"
        tally = judge("address", failed + GOOD + summary, 1)
        self.assertEqual((tally.passed, tally.failed), (2, 2))
        self.assertIn("address: A.B:", tally.details)
        self.assertIn("address: C/D.E/f:", tally.details)

    def test_reports_fail(self) -> None:
        for report in (
            "SUMMARY: ThreadSanitizer: data race a.cc:1 in f\n",
            "a.cc:1:2: runtime error: shift exponent 70 is too large\n",
        ):
            with self.subTest(report):
                tally = judge("thread", report + GOOD, 66)
                self.assertEqual((tally.passed, tally.failed), (3, 1))
                self.assertIn(report.strip(), tally.details)

    def test_a_crash_is_no_pass(self) -> None:
        tally = judge("address", "[ RUN      ] A.B\n", -7)
        self.assertEqual((tally.passed, tally.failed), (0, 1))

    def test_an_exit_code_without_a_reason_is_no_pass(self) -> None:
        tally = judge("address", GOOD, 3)
        self.assertEqual(tally.failed, 1)
        self.assertIn("exit code 3", tally.details)
