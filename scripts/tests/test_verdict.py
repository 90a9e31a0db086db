# SPDX-License-Identifier: GPL-2.0
"""What outranks what when a run is judged, and the exit codes."""

import unittest
from dataclasses import replace

from ktlib.console import Report
from ktlib.ktap import Document, parse
from ktlib.outcome import Outcome
from ktlib.qemu import VmEnd
from ktlib.verdict import Evidence, judge

REPORT = Report("oops", "an oops in f", 1, "f", "")


def of_results(*results: str, done: bool = True) -> Document:
    """A document of plain results."""
    numbered = (line.replace(" ", f" {number} ", 1) for number, line in enumerate(results, 1))
    spaced = (line.replace("not ", "not ok ", 1) for line in numbered)
    lines = ["KTAP version 1", f"1..{len(results)}", *spaced]
    return parse(lines + [f"# f_revoke: done {len(results)}"] * done)


GOOD = Evidence(
    end=VmEnd.EXITED,
    spoke=True,
    reported=True,
    complaint="",
    reports=(),
    document=of_results("ok a", "ok b"),
    expected_suites=(),
)


class VerdictTest(unittest.TestCase):
    def check(self, evidence: Evidence, outcome: Outcome) -> None:
        verdict = judge(evidence)
        self.assertIs(verdict.outcome, outcome, verdict.reasons)
        self.assertEqual(bool(verdict.reasons), outcome is not Outcome.PASS)

    def test_pass(self) -> None:
        self.check(GOOD, Outcome.PASS)

    def test_skips(self) -> None:
        self.check(replace(GOOD, document=of_results("ok a", "ok b # SKIP")), Outcome.PASS)
        self.check(replace(GOOD, document=of_results("ok a # SKIP")), Outcome.SKIP)

    def test_skipping_what_was_expected(self) -> None:
        document = of_results("ok a", "ok b # SKIP no module")
        evidence = replace(GOOD, document=document, expected_suites=("b",))
        self.check(evidence, Outcome.SKIP)
        self.assertEqual(judge(evidence).reasons, ("all of b was skipped: no module",))

    def test_crash_outranks_everything_a_test_can_say(self) -> None:
        for document in (GOOD.document, of_results("ok a # TIMEOUT 1 seconds", done=False)):
            for end in (VmEnd.EXITED, VmEnd.SILENT, VmEnd.OVERTIME, VmEnd.PANICKED):
                evidence = replace(GOOD, document=document, end=end, reports=(REPORT,))
                with self.subTest(end=end):
                    self.check(evidence, Outcome.CRASH)

    def test_a_crash_before_init(self) -> None:
        empty = replace(GOOD, document=parse(()), reported=False, reports=(REPORT,))
        self.check(empty, Outcome.CRASH)
        self.assertEqual(judge(empty).reasons[0], REPORT.title)

    def test_faults_of_the_document(self) -> None:
        document = parse(["KTAP version 1", "1..2", "ok 1 a", "# f_revoke: done 1"])
        self.check(replace(GOOD, document=document), Outcome.FAIL)

    def test_no_token(self) -> None:
        document = of_results("ok a", done=False)
        for end, outcome in {
            VmEnd.EXITED: Outcome.LOST,
            VmEnd.ABORTED: Outcome.LOST,
            VmEnd.SILENT: Outcome.HANG,
            VmEnd.OVERTIME: Outcome.TIMEOUT,
        }.items():
            with self.subTest(end=end):
                self.check(replace(GOOD, document=document, end=end), outcome)

    def test_a_guest_that_does_not_power_off(self) -> None:
        evidence = replace(GOOD, end=VmEnd.SILENT)
        self.check(evidence, Outcome.HANG)
        self.assertIn("after the tests were done", judge(evidence).reasons[0])

    def test_qemu_at_fault(self) -> None:
        evidence = replace(
            GOOD,
            document=parse(()),
            end=VmEnd.ABORTED,
            spoke=False,
            reported=False,
            complaint="no such machine",
        )
        self.check(evidence, Outcome.INFRA)
        self.assertIn("no such machine", judge(evidence).reasons[0])


class OutcomeTest(unittest.TestCase):
    def test_exit_codes_differ(self) -> None:
        codes = [outcome.exit_code for outcome in Outcome]
        self.assertEqual(len(set(codes)), len(codes))
        self.assertEqual([o for o in Outcome if o.exit_code == 0], [Outcome.PASS])


if __name__ == "__main__":
    unittest.main()
