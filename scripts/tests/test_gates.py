# SPDX-License-Identifier: GPL-2.0
"""Gates: counts, the last line, and what goes on when one fails."""

import io
import unittest

from ktlib.errors import KtError
from ktlib.gates import Gate, run_gates
from ktlib.outcome import Outcome
from ktlib.tally import Tally
from ktlib.ui import Ui


def broken() -> Tally:
    raise KtError("no source", hint="the way out")


class GatesTest(unittest.TestCase):
    def run_all(self, *gates: Gate) -> tuple[Outcome, list[str]]:
        stream = io.StringIO()
        outcome = run_gates(gates, Ui(stream, {}))
        return outcome, stream.getvalue().splitlines()

    def test_all_pass(self) -> None:
        outcome, lines = self.run_all(Gate("a", lambda: Tally(3)), Gate("b", lambda: Tally(1)))
        self.assertIs(outcome, Outcome.PASS)
        self.assertEqual(lines[-1], "4 passed, 0 failed")

    def test_others_go_on(self) -> None:
        outcome, lines = self.run_all(
            Gate("a", broken),
            Gate("b", lambda: Tally(2), needs=("a",)),
            Gate("c", lambda: Tally(5)),
        )
        self.assertIs(outcome, Outcome.FAIL)
        self.assertEqual(lines[-2:], ["failed: a, b", "5 passed, 2 failed"])
        self.assertIn("   the way out", lines)
        self.assertIn("   not tried, as it needs: a", lines)

    def test_tally_keeps_what_was_said(self) -> None:
        tally = Tally()
        tally.add("good")
        tally.add("bad", "first\nsecond\n")
        self.assertEqual((tally.passed, tally.failed), (1, 1))
        self.assertEqual(tally.details, ["bad:", "first", "second"])
