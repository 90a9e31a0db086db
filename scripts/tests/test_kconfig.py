# SPDX-License-Identifier: GPL-2.0
"""Fragments, their merge, and what Kconfig made of them."""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from ktlib import kconfig
from ktlib.errors import KtError


class ParseTest(unittest.TestCase):
    def test_set_and_unset(self) -> None:
        text = '# a comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x y"\n'
        self.assertEqual(kconfig.parse(text, "f"), {"A": "y", "B": "n", "C": '"x y"'})

    def test_line_that_is_none(self) -> None:
        with self.assertRaisesRegex(KtError, "f:2: 'CONFIG_A y'"):
            kconfig.parse("CONFIG_B=y\nCONFIG_A y\n", "f")

    def test_twice(self) -> None:
        with self.assertRaisesRegex(KtError, "CONFIG_A is there twice"):
            kconfig.parse("CONFIG_A=y\nCONFIG_A=y\n", "f")

    def test_sorted(self) -> None:
        self.assertTrue(kconfig.is_sorted("# CONFIG_A is not set\nCONFIG_B=y\n"))
        self.assertFalse(kconfig.is_sorted("CONFIG_B=y\nCONFIG_A=y\n"))


class MergeTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def fragment(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text)
        return file

    def test_agreement(self) -> None:
        one = self.fragment("one", "CONFIG_A=y\nCONFIG_B=1\n")
        two = self.fragment("two", "CONFIG_A=y\n# CONFIG_C is not set\n")
        self.assertEqual(kconfig.merged([one, two]), {"A": "y", "B": "1", "C": "n"})

    def test_conflict_names_both(self) -> None:
        one = self.fragment("one", "CONFIG_A=y\n")
        two = self.fragment("two", "# CONFIG_A is not set\n")
        with self.assertRaisesRegex(KtError, "CONFIG_A is n in .*two and y in .*one"):
            kconfig.merged([one, two])

    def test_missing_fragment(self) -> None:
        with self.assertRaisesRegex(KtError, "no fragment .*three"):
            kconfig.merged([self.folder / "three"])

    def test_options_of_another_tree(self) -> None:
        wanted = {"A": "y", "B": "1", "C": "n"}
        instead = {"A": "", "B": "CONFIG_OLD_B=y", "D": "CONFIG_OLD_D=y"}
        self.assertEqual(kconfig.replaced(wanted, instead), {"C": "n", "OLD_B": "y"})

    def test_bad_line_of_another_tree(self) -> None:
        with self.assertRaisesRegex(KtError, "bases.toml:1: 'y' is not a line"):
            kconfig.replaced({"A": "y"}, {"A": "y"})

    def test_render_and_parse_agree(self) -> None:
        options = {"A": "y", "B": "n", "C": "0x10"}
        self.assertEqual(kconfig.parse(kconfig.rendered(options), "f"), options)


class DroppedTest(unittest.TestCase):
    def test_names_what_is_missing_and_what_it_is_instead(self) -> None:
        wanted = {"KASAN": "y", "MODULES": "y", "SLUB_TINY": "n", "TEST": "m"}
        got = {"MODULES": "y", "TEST": "y"}
        self.assertEqual(
            kconfig.dropped(wanted, got), ["CONFIG_KASAN=y (is n)", "CONFIG_TEST=m (is y)"]
        )

    def test_require(self) -> None:
        with TemporaryDirectory() as folder:
            config = Path(folder) / ".config"
            config.write_text("# CONFIG_KASAN is not set\n")
            with self.assertRaisesRegex(KtError, r"dropped 1 options: CONFIG_KASAN=y \(is n\)"):
                kconfig.require({"KASAN": "y"}, config)

    def test_defined(self) -> None:
        texts = ["config REVOKE\n\tbool\n", "if X\n  menuconfig OTHER\n", "# config NONE\n"]
        self.assertEqual(kconfig.defined(["REVOKE", "OTHER", "NONE"], texts), {"REVOKE", "OTHER"})
        self.assertEqual(kconfig.defined([], texts), set())
