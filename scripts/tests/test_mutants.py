# SPDX-License-Identifier: GPL-2.0
"""Mutants: the file format, the tree afterwards, and what counts as noticed."""

import io
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path

from ktlib import mutants
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.ktap import Status, TestResult
from ktlib.mutants import Mutant
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.run import RunResult
from ktlib.ui import Ui

DIFF = """diff --git a/file b/file
--- a/file
+++ b/file
@@ -1 +1 @@
-guarded
+open
"""

GUARDED, OPEN = "guarded\n", "open\n"


def result(outcome: Outcome, **tests: Status) -> RunResult:
    found = tuple(TestResult(name, status, "", (), 1) for name, status in tests.items())
    return RunResult(outcome, Path("run"), found)


class MutantsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.tree = self.folder / "tree"
        self.tree.mkdir()
        self.git = Git(self.tree)
        self.git.call("init", "--quiet")
        (self.tree / "file").write_text(GUARDED)
        self.git.call("add", "file")
        self.git.call("commit", "--quiet", "--message", "base")
        self.file = self.folder / "no-guard.patch"
        self.file.write_text(f"Nobody guards.\n\nCaught-by: suite.\n---\n{DIFF}")

    def hunt(self, *results: RunResult, trees: Sequence[str] = (OPEN,)) -> Outcome:
        """With these results, one for each of the trees that are to be tried."""
        left = list(results)
        seen: list[str] = []

        def try_it(mutant: Mutant | None) -> RunResult:
            self.assertEqual(mutant, Mutant.load(self.file))
            seen.append((self.tree / "file").read_text())
            return left.pop(0)

        tally = mutants.hunt([Mutant.load(self.file)], self.git, try_it, Ui(io.StringIO(), {}))
        self.assertEqual(tuple(seen), trees)
        self.assertEqual((self.tree / "file").read_text(), GUARDED)
        self.assertEqual(tally.passed + tally.failed, 1)
        return Outcome.FAIL if tally.failed else Outcome.PASS

    def test_caught(self) -> None:
        bad = result(Outcome.FAIL, **{"suite.a": Status.PASS, "suite.b": Status.FAIL})
        self.assertIs(self.hunt(bad), Outcome.PASS)

    def test_bad_end_counts(self) -> None:
        self.assertIs(self.hunt(result(Outcome.CRASH)), Outcome.PASS)

    def test_bad_end_after_the_catcher_has_passed(self) -> None:
        self.file.write_text(f"Nobody guards.\n\nCaught-by: revoke.a_case\n---\n{DIFF}")
        end, good = RunResult(Outcome.BOOT_FAIL, self.folder, ()), result(Outcome.PASS)
        self.assertIs(self.hunt(end, good, trees=(OPEN, GUARDED)), Outcome.PASS)
        (self.folder / "console.log").write_text("[    1.5]     ok 3 a_case\n")
        self.assertIs(self.hunt(end), Outcome.FAIL)

    def test_machine_that_is_too_slow(self) -> None:
        late = result(Outcome.TIMEOUT)
        self.assertIs(self.hunt(late, late, trees=(OPEN, GUARDED)), Outcome.FAIL)

    def test_trouble_with_the_machine_proves_nothing(self) -> None:
        for outcome in (Outcome.INFRA, Outcome.LOST, Outcome.BUILD_FAIL):
            self.assertIs(self.hunt(result(outcome)), Outcome.FAIL)

    def test_the_series_itself_has_to_pass(self) -> None:
        with self.assertRaisesRegex(KtError, "does not pass"):
            mutants.prove_whole(lambda _: result(Outcome.FAIL), Ui(io.StringIO(), {}))

    def test_survivor(self) -> None:
        self.assertIs(self.hunt(result(Outcome.PASS)), Outcome.FAIL)

    def test_another_test_is_not_enough(self) -> None:
        other = result(Outcome.FAIL, **{"other.a": Status.FAIL})
        self.assertIs(self.hunt(other), Outcome.FAIL)

    def test_profile_of_its_own(self) -> None:
        self.file.write_text(f"x\n\nCaught-by: suite.\nProfile: debug\n---\n{DIFF}")
        self.assertEqual(Mutant.load(self.file).profile, "debug")
        good, bad = result(Outcome.PASS), result(Outcome.CRASH)
        self.assertIs(self.hunt(good, bad, trees=(GUARDED, OPEN)), Outcome.PASS)
        self.assertIs(self.hunt(good, good, trees=(GUARDED, OPEN)), Outcome.FAIL)

    def test_profile_that_fails_anyway(self) -> None:
        self.file.write_text(f"x\n\nCaught-by: suite.\nProfile: debug\n---\n{DIFF}")
        tally = mutants.hunt(
            [Mutant.load(self.file)], self.git, lambda _: result(Outcome.FAIL), Ui(io.StringIO())
        )
        self.assertIn("without it, debug fails, too", tally.details[1])

    def test_stale_mutant(self) -> None:
        self.git.call("commit", "--quiet", "--allow-empty", "--message", "next")
        (self.tree / "file").write_text("changed\n")
        self.git.call("commit", "--quiet", "--all", "--message", "changed")
        with self.assertRaisesRegex(KtError, "no-guard does not apply"):
            with Mutant.load(self.file).applied(self.git):
                pass

    def test_kselftest_of_the_catcher(self) -> None:
        self.assertEqual(Mutant.load(self.file).kselftest, "")
        self.file.write_text(f"x\n\nCaught-by: kselftest.revoke.proc_io.a_case\n---\n{DIFF}")
        self.assertEqual(Mutant.load(self.file).kselftest, "revoke:proc_io")
        self.file.write_text(f"x\n\nCaught-by: kselftest.revoke_stress.revoke-stress\n---\n{DIFF}")
        self.assertEqual(Mutant.load(self.file).kselftest, "revoke_stress:revoke-stress")

    def test_bad_file(self) -> None:
        self.file.write_text("nothing of the kind")
        with self.assertRaisesRegex(KtError, "is not a mutant"):
            Mutant.load(self.file)

    def test_own_mutants_have_the_form(self) -> None:
        for folder in Paths.of_checkout().patches.glob("*/mutants"):
            self.assertTrue(mutants.find(folder, []))
            self.assertEqual(len(mutants.find(folder, mutants.SAMPLE)), len(mutants.SAMPLE))

    def test_unknown_name(self) -> None:
        with self.assertRaisesRegex(KtError, "no mutant 'x'"):
            mutants.find(self.folder, ["x"])
