# SPDX-License-Identifier: GPL-2.0
"""Our reading of KUnit's results against that of the kernel's own parser."""

import importlib
import sys
import unittest
from pathlib import Path

from ktlib.bases import load_base
from ktlib.ktap import Status, parse
from ktlib.paths import Paths

DATA = Path(__file__).parent / "testdata" / "ktap"
PATHS = Paths.of_checkout()
KERNEL = load_base(PATHS.patches / "bases.toml").kernel
KUNIT = PATHS.sources / f"linux-{KERNEL}" / "tools/testing/kunit"


@unittest.skipUnless(KUNIT.is_dir(), "no kernel source imported yet")
class OracleTest(unittest.TestCase):
    def test_kunit_results(self) -> None:
        self.enterContext(_importable(KUNIT))
        parser = importlib.import_module("kunit_parser")
        silent = importlib.import_module("kunit_printer").Printer(print=False)
        text = (DATA / "kunit-and-kselftest.ktap").read_text().partition("\n\n")[2]
        # It sees only the outer line of what the kselftest runner nests.
        kunit = text.partition("  TAP version 13\n")[0].splitlines()
        theirs = parser.parse_run_tests(kunit, silent).counts
        ours = [test.status for test in parse(kunit).tests]
        self.assertEqual(ours.count(Status.PASS), theirs.passed)
        self.assertEqual(ours.count(Status.FAIL), theirs.failed)
        self.assertEqual(ours.count(Status.SKIP), theirs.skipped)


class _importable:
    """Modules of a folder can be imported inside a with statement."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def __enter__(self) -> None:
        sys.path.insert(0, self._folder)

    def __exit__(self, *_: object) -> None:
        sys.path.remove(self._folder)


if __name__ == "__main__":
    unittest.main()
