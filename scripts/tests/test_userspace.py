# SPDX-License-Identifier: GPL-2.0
"""The programs around fs/revoke.c: what counts as a failure, and as having noticed a mutant."""

import io
import tempfile
import unittest
from collections.abc import Callable, Sequence
from pathlib import Path

from ktlib import userspace
from ktlib.mutants import SURVIVED, Mutant
from ktlib.paths import Paths
from ktlib.ui import Ui
from ktlib.userspace import Ended, Program, Storms

STORM = Program("storm", 1000, 7)
GOOD = "KTAP version 1\n1..2\nok 1 answers\n# seconds: 1\nok 2 owned\n"
HUNG = "KTAP version 1\n1..2\nok 1 answers\n# actor 0 hangs in 'revoke'\nnot ok 2 owned\n"
RACE = "==================\nWARNING: ThreadSanitizer: data race (pid=1)\n  Read\n"
FREED = "=====\n==12==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n"

MUTANT = "Nobody guards.\n\nCaught-by: storm\n---\n"


class EndedTest(unittest.TestCase):
    def test_good(self) -> None:
        ended = Ended(STORM, 0, GOOD)
        self.assertEqual(ended.complaint, "")
        self.assertEqual((ended.tally().passed, ended.tally().failed), (3, 0))

    def test_failed_check(self) -> None:
        ended = Ended(STORM, 1, HUNG)
        self.assertTrue(ended.complaint.startswith("# actor 0 hangs in 'revoke'\n"))
        self.assertEqual(ended.reason, "# actor 0 hangs in 'revoke'")
        self.assertTrue(ended.noticed)
        self.assertEqual((ended.tally().passed, ended.tally().failed), (1, 2))

    def test_reports_of_sanitizers(self) -> None:
        self.assertIn("Read", Ended(STORM, 1, RACE + GOOD).complaint)
        reason = Ended(STORM, 1, FREED).reason
        self.assertTrue(reason.startswith("ERROR: AddressSanitizer: heap-use-after-free"))
        reason = Ended(STORM, 1, "/a/path/fs/revoke.c:1:2: runtime error: null pointer\n").reason
        self.assertEqual(reason, "runtime error: null pointer")

    def test_calm_storm(self) -> None:
        ended = Ended(
            STORM, 1, HUNG.replace("actor 0 hangs in 'revoke'", "never seen: refused uses")
        )
        self.assertNotEqual(ended.complaint, "")
        self.assertFalse(ended.noticed)

    def test_bad_end_without_a_word(self) -> None:
        ended = Ended(STORM, 139, "KTAP version 1\n1..2\nok 1 answers\n")
        self.assertEqual(ended.reason, "exit code 139")
        self.assertGreater(ended.tally().failed, 0)

    def test_what_was_not_chosen_does_not_count(self) -> None:
        ended = Ended(STORM, 0, GOOD.replace("ok 2 owned", "ok 2 owned # SKIP not chosen"))
        self.assertEqual(ended.tally().passed, 2)

    def test_options(self) -> None:
        self.assertEqual(STORM.options, ["--revokes", "1000", "--patience", "7"])


class FakeStorms(Storms):
    """Builds nothing; what the programs say is made up."""

    def __init__(self, answer: Callable[[Program], Ended], core_is_good: bool = False) -> None:
        self.printed = io.StringIO()
        super().__init__(Paths(Path("top"), Path("cache")), Path("tree"), Ui(self.printed, {}))
        self._answer = answer
        self._core_is_good = core_is_good
        self.tried: list[str] = []

    def build(self, mutant: Path | None = None, targets: Sequence[str] = ()) -> Path:
        return Path(mutant.stem if mutant else "")

    def run(self, program: Program, folder: Path) -> Ended:
        if self._core_is_good and folder == Path(""):
            return Ended(program, 0, GOOD)
        self.tried.append(program.name)
        return self._answer(program)


class StormsTest(unittest.TestCase):
    mutant = Mutant(Path("no-guard.patch"), "Nobody guards.", "storm")

    def test_check_runs_all(self) -> None:
        storms = FakeStorms(lambda program: Ended(program, 0, GOOD))
        tally = storms.check(userspace.SHORT)
        self.assertEqual(storms.tried, ["storm", "storm-asan", "storm-tsan"])
        self.assertEqual((tally.passed, tally.failed), (9, 0))

    def test_one_that_fails_does_not_stop_the_others(self) -> None:
        storms = FakeStorms(lambda program: Ended(program, int(program.name == "storm"), HUNG))
        self.assertGreater(storms.check(userspace.SHORT).failed, 0)
        self.assertEqual(len(storms.tried), 3)

    def test_first_to_notice_ends_the_hunt(self) -> None:
        storms = FakeStorms(
            lambda program: Ended(program, int(program.name == "storm-tsan"), RACE), True
        )
        self.assertEqual(storms.hunt([self.mutant]).failed, 0)
        self.assertEqual(storms.tried, ["storm-asan", "storm-tsan"])
        self.assertIn("storm-tsan: WARNING: ThreadSanitizer", storms.printed.getvalue())

    def test_core_that_fails_notices_nothing(self) -> None:
        storms = FakeStorms(lambda program: Ended(program, 1, HUNG))
        self.assertGreater(storms.hunt([self.mutant]).failed, 0)
        self.assertNotIn(self.mutant.name, storms.printed.getvalue())

    def test_survivor(self) -> None:
        storms = FakeStorms(lambda program: Ended(program, 0, GOOD), True)
        self.assertEqual(storms.hunt([self.mutant]).failed, 1)
        self.assertIn(SURVIVED, storms.printed.getvalue())
        self.assertEqual(len(storms.tried), len(userspace.HUNT))


class MutantsTest(unittest.TestCase):
    def test_of_the_core_alone(self) -> None:
        core = "diff --git a/fs/revoke.c b/fs/revoke.c\n"
        other = "diff --git a/fs/kernfs/file.c b/fs/kernfs/file.c\n"
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for stem, diff in (("a", core), ("b", other + core), ("c", other)):
                (folder / f"{stem}.patch").write_text(MUTANT + diff + "x\n")
            self.assertEqual([one.name for one in userspace.mutants_of_core([folder])], ["a"])

    def test_there_are_enough(self) -> None:
        paths = Paths.of_checkout()
        self.assertGreater(len(userspace.mutants_of_core([paths.userspace / "mutants"])), 8)
        for folder in paths.patches.glob("*/mutants"):
            self.assertGreater(len(userspace.mutants_of_core([folder])), 8)

    def test_names_do_not_collide(self) -> None:
        paths = Paths.of_checkout()
        folders = [paths.userspace / "mutants", *paths.patches.glob("*/mutants")]
        names = [mutant.name for mutant in userspace.mutants_of_core(folders)]
        self.assertEqual(len(names), len(set(names)))
