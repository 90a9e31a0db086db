# SPDX-License-Identifier: GPL-2.0
"""Models: what pan's output means, and that each protection in them is taken out somewhere."""

import re
import tempfile
import unittest
from pathlib import Path

from ktlib import models
from ktlib.errors import KtError
from ktlib.models import Check, Done, Job, Search
from ktlib.paths import Paths

OUTPUTS = Path(__file__).parent / "testdata" / "pan"
CHECK = Check("use-x", "about", (), True, {"GONE": "release_once", "SPINS": models.RUNS})


def parsed(name: str) -> Search:
    """What models.parse() makes of an output of pan that is kept."""
    return models.parse((OUTPUTS / f"{name}.txt").read_text())


class ParserTest(unittest.TestCase):
    def test_verified(self) -> None:
        self.assertEqual(parsed("verified"), Search(1850, 2700, "", ""))
        self.assertTrue(parsed("verified").verified)

    def test_search_for_cycles_counts_visits_too(self) -> None:
        self.assertEqual(parsed("verified-progress"), Search(134143, 544515, "", ""))

    def test_large_numbers(self) -> None:
        text = (OUTPUTS / "verified.txt").read_text().replace("     2700 tr", "1.2754448e+08 tr")
        self.assertEqual(models.parse(text).transitions, 127544480)

    def test_what_was_violated_is_named(self) -> None:
        for file, name in (
            ("assertion", "release_once"),
            ("assertion-long", "no_use_after_release"),
            ("end-state", models.WAITS),
            ("cycle", models.RUNS),
        ):
            search = parsed(file)
            self.assertEqual((search.violated, search.verdict), (name, name))
            self.assertFalse(search.verified)

    def test_truncated_search_is_no_proof(self) -> None:
        for file in ("depth", "memory"):
            self.assertFalse(parsed(file).verified)
            self.assertEqual(parsed(file).verdict, "the search was cut short")

    def test_unknown_errors_and_no_output_prove_nothing(self) -> None:
        text = (OUTPUTS / "verified.txt").read_text().replace("errors: 0", "errors: 1")
        self.assertEqual(models.parse(text).verdict, "an error without a name")
        self.assertFalse(models.parse("pan: out of memory\n").verified)


class ChecksTest(unittest.TestCase):
    def test_what_is_searched(self) -> None:
        self.assertEqual(
            models.jobs_of(CHECK),
            [
                Job(CHECK),
                Job(CHECK, progress=True),
                Job(CHECK, "GONE", "release_once"),
                Job(CHECK, "SPINS", models.RUNS, progress=True),
            ],
        )

    def test_expectations(self) -> None:
        good, bad = Search(1, 1, "", ""), Search(1, 1, "release_once", "")
        cut, other = Search(1, 1, "", "cut short"), Search(1, 1, models.WAITS, "")
        model, mutant = Job(CHECK), Job(CHECK, "GONE", "release_once")
        for job, passing in ((model, good), (mutant, bad)):
            for search in (good, bad, cut, other):
                self.assertEqual(not Done(job, search, 0).complaint, search is passing)

    def test_names(self) -> None:
        file = Paths.of_checkout().models / "models.toml"
        self.assertEqual([check.name for check in models.load(file, ["use-dup"])], ["use-dup"])
        self.assertEqual({check.file for check in models.load(file, ["claim"])}, {"claim.pml"})
        with self.assertRaisesRegex(KtError, "no model 'x'"):
            models.load(file, ["x"])

    def test_bad_table(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "models.toml"
            file.write_text("[[check]]\nname = 'x'\n")
            with self.assertRaisesRegex(KtError, "about"):
                models.load(file)

    def test_every_protection_of_a_model_is_taken_out(self) -> None:
        folder = Paths.of_checkout().models
        checks = models.load(folder / "models.toml")
        known = {word for check in checks for word in check.mutants}
        options = {define.split("=")[0] for check in checks for define in check.defines}
        text = "".join(file.read_text() for file in folder.glob("*.pml"))
        tested = set(re.findall(r"^#ifn?def (\w+)", text, re.MULTILINE))
        self.assertEqual(tested - options, known)

    def test_names_of_checks_are_names_of_models(self) -> None:
        folder = Paths.of_checkout().models
        for check in models.load(folder / "models.toml"):
            self.assertTrue((folder / check.file).exists(), check.name)
