# SPDX-License-Identifier: GPL-2.0
"""The list of patches: what is read, what is refused, what an export keeps."""

import subprocess
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from ktlib import series, series_checks
from ktlib.errors import KtError
from ktlib.paths import Paths

TEXT = """\
# the list
# version: 2
0001-core.patch
# upto: core
# the users
0002-proc-use-it.patch
# upto: proc revoke:proc_* more:*
0003-selftests.patch  # generated from selftests/
# the end
"""


class SeriesTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def load(self, text: str, *files: str) -> series.Series:
        (self.folder / "series").write_text(text)
        for name in files:
            (self.folder / name).touch()
        return series.load(self.folder)

    def full(self) -> series.Series:
        return self.load(TEXT, "0001-core.patch", "0002-proc-use-it.patch", "0003-selftests.patch")

    def test_reads_and_writes_the_same(self) -> None:
        full = self.full()
        self.assertEqual([file.name[:4] for file in full.files], ["0001", "0002", "0003"])
        self.assertEqual(full.version, 2)
        self.assertEqual(full.generated_index, 2)
        self.assertEqual(full.text(), TEXT)

    def test_patches_of_tests(self) -> None:
        self.assertEqual([entry.name[:4] for entry in self.full().tests], ["0003"])
        harmless = "fs/kernfs/kernfs_kunit.c", "lib/Kconfig.debug", "lib/test_revoke.h"
        patch = "".join(f"diff --git a/{name} b/{name}\n" for name in harmless)
        self.assertEqual(series_checks.strays(patch), "")
        patch += "diff --git a/fs/revoke.c b/fs/revoke.c\n"
        self.assertIn("changes fs/revoke.c", series_checks.strays(patch))

    def test_every_base_has_the_same_selftests(self) -> None:
        """As long as it does: kt apply --base NAME, kt export --base NAME."""
        new = set()
        for file in Paths.of_checkout().patches.glob("*/series"):
            found = series.load(file.parent)
            for entry in (entry for entry in found.entries if entry.generated):
                new.add((file.parent / entry.name).read_text().partition("\nnew file mode")[2])
        self.assertEqual(len(new), 1)

    def test_hash_is_that_of_sha256sum(self) -> None:
        series_of_two = self.load("0001-a.patch\n0002-b.patch\n", "0001-a.patch", "0002-b.patch")
        line = "sha256sum *.patch | cut -c-64 | sha256sum | cut -c-64"
        wanted = subprocess.run(
            line, shell=True, cwd=self.folder, check=True, capture_output=True, text=True
        )
        self.assertEqual(series_of_two.patchset_hash, wanted.stdout.strip())

    def test_empty(self) -> None:
        empty = self.load("# nothing yet\n")
        self.assertEqual((empty.files, empty.version, empty.generated_index), ([], 1, None))
        self.assertEqual(empty.text(), "# nothing yet\n")
        self.assertEqual(empty.patchset_hash, "")

    def test_first_patches_come_after_the_opening(self) -> None:
        renewed = self.load("# version: 1\n").renewed(["0001-core.patch"])
        self.assertEqual(renewed.text(), "# version: 1\n0001-core.patch\n")

    def test_cut(self) -> None:
        full = self.full()
        names = [entry.name[:4] for entry in full.cut("core").entries]
        self.assertEqual(names, ["0001", "0003"])
        self.assertEqual(len(full.cut("proc").entries), 3)
        self.assertEqual([entry.name[:4] for entry in full.cut("base").entries], ["0003"])
        self.assertIs(full.cut(""), full)
        with self.assertRaisesRegex(KtError, "no marker '# upto: moon'") as caught:
            full.cut("moon")
        self.assertEqual(caught.exception.hint, "markers: base, core, proc")

    def test_kselftests_of_a_part(self) -> None:
        full = self.full()
        self.assertEqual(full.kselftests, ("*",))
        self.assertEqual(full.cut("core").kselftests, ())
        self.assertEqual(full.cut("proc").kselftests, ("revoke:proc_*", "more:*"))
        self.assertEqual(full.cut("base").kselftests, ("*",))

    def test_renewed_keeps_comments_with_their_patches(self) -> None:
        names = ["0001-new.patch", "0002-core.patch", "0003-selftests.patch"]
        renewed = self.full().renewed(names)
        self.assertEqual(
            renewed.text(),
            "# the list\n# version: 2\n0001-new.patch\n0002-core.patch\n# upto: core\n"
            "0003-selftests.patch  # generated from selftests/\n# the end\n",
        )
        self.assertEqual(self.full().lost(names), ["0002-proc-use-it.patch"])

    def test_line_that_is_none(self) -> None:
        with self.assertRaisesRegex(KtError, "series:1: 'README' is neither"):
            self.load("README\n")

    def test_files_and_list_must_agree(self) -> None:
        with self.assertRaisesRegex(KtError, "no such file: 0001-a.patch"):
            self.load("0001-a.patch\n")
        with self.assertRaisesRegex(KtError, "not listed in 'series': 0001-b.patch"):
            self.load("", "0001-b.patch")
        with self.assertRaisesRegex(KtError, "listed twice: 0001-b.patch"):
            self.load("0001-b.patch\n0001-b.patch\n")

    def test_no_list(self) -> None:
        with self.assertRaisesRegex(KtError, "series is missing"):
            series.load(self.folder)
