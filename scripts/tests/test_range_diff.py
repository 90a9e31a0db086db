# SPDX-License-Identifier: GPL-2.0
"""Two trees, a series in each, and what is said of them."""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from ktlib.git import Git
from ktlib.range_diff import Commits, between


class RangeDiffTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.top = Path(holder.name)

    def series(self, name: str, before: str, *versions: str) -> Commits:
        """A tree of its own with a file that goes through these versions."""
        git = Git(self.top / name)
        git.top.mkdir()
        git.call("init", "--quiet")
        made = [self.commit(git, text) for text in (before, *versions)]
        return Commits(git, made[0], made[-1])

    def commit(self, git: Git, text: str) -> str:
        (git.top / "file").write_text(text)
        git.call("add", "file")
        git.call("commit", "--quiet", "-m", f"to {text.splitlines()[-1]}")
        return git.call("rev-parse", "HEAD")

    def test_pairs_without_hashes(self) -> None:
        reference = self.series("new", "a\n", "a\nb\n", "a\nb\nc\n")
        other = self.series("old", "a\n", "a\nb\n")
        said = between(reference, other)
        self.assertEqual(said, "1 = 1: to b\n2 < -: to c\n")

    def test_shows_what_differs(self) -> None:
        body = "".join(f"{line}\n" for line in range(20))
        reference = self.series("new", "a\n", f"a\n{body}b\n")
        other = self.series("old", "a\n", f"a\n{body}c\nb\n")
        said = between(reference, other)
        self.assertRegex(said, r"^1 ! 1: to b\n")
        self.assertRegex(said, r"(?m)^ +\+\+c$")
