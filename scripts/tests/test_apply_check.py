# SPDX-License-Identifier: GPL-2.0
"""The series on other kernels: what is said of each patch, on sources of a few lines."""

import io
import tarfile
import tempfile
import unittest
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from ktlib import apply_check, bases, debian, proc, series
from ktlib.apply_check import Fate, Findings, Trial
from ktlib.bases import Candidate
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.ui import Ui

LINES = "".join(f"line {number}\n" for number in range(20))
NAMES = ("0001-a.patch", "0002-b.patch", "0003-new.patch", "0004-both.patch")


class SourcesCase(unittest.TestCase):
    """A series of four patches, made for a kernel of two files."""

    def setUp(self) -> None:
        self.top = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.paths = Paths(top=self.top / "project", cache=self.top / "cache")
        self.base = {"Makefile": "all:\n", "fs/a.c": LINES, "fs/b.c": LINES}
        steps: list[dict[str, str]] = [
            {"fs/a.c": LINES.replace("line 3\n", "three\n")},
            {"fs/b.c": LINES.replace("line 7\n", "seven\n")},
            {"fs/new.c": "new\n"},
            {
                "fs/a.c": LINES.replace("line 3\n", "three\n").replace("line 15\n", "fifteen\n"),
                "fs/b.c": LINES.replace("line 7\n", "7\n"),
            },
        ]
        self.series = self.made(steps)

    def made(self, steps: list[dict[str, str]]) -> series.Series:
        origin = Git(self.top / "origin")
        origin.top.mkdir()
        origin.call("init", "--quiet")
        self.write(origin.top, self.base)
        origin.call("add", ".")
        origin.call("commit", "--quiet", "--message", "base")
        folder = self.paths.patches / "v7.3"
        folder.mkdir(parents=True)
        for name, files in zip(NAMES, steps):
            self.write(origin.top, files)
            origin.call("add", ".")
            (folder / name).write_text(origin.call("diff", "--cached") + "\n")
            origin.call("commit", "--quiet", "--message", name)
        (folder / "series").write_text("".join(f"{name}\n" for name in NAMES))
        return series.load(folder)

    @staticmethod
    def write(top: Path, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)

    def tarball(self, changes: Mapping[str, str]) -> Path:
        """The base with changes, as the package has a kernel."""
        file = self.top / "linux.tar.xz"
        with tarfile.open(file, "w:xz") as archive:
            for name, text in {**self.base, **changes}.items():
                member = tarfile.TarInfo(f"linux-source-7.2/{name}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        return file

    def trials(self, changes: Mapping[str, str]) -> tuple[Trial, ...]:
        names = ("fs/a.c", "fs/b.c", "fs/new.c")
        with apply_check.excerpt(self.tarball(changes), names) as tree:
            return apply_check.try_series(tree, self.series)


class TrialTest(SourcesCase):
    def test_same_kernel(self) -> None:
        self.assertEqual({trial.fate for trial in self.trials({})}, {Fate.APPLIES})

    def test_offset(self) -> None:
        trials = self.trials({"fs/b.c": "one\nmore\n" + LINES})
        self.assertEqual([str(trial) for trial in trials[:3]], ["applies", "offset 2", "applies"])
        self.assertEqual(str(trials[3]), "offset 2")

    def test_conflict_names_the_file_and_leaves_the_rest(self) -> None:
        trials = self.trials({"fs/b.c": LINES.replace("line 7\n", "other\n")})
        fates = [trial.fate for trial in trials]
        self.assertEqual(fates, [Fate.APPLIES, Fate.CONFLICTS, Fate.APPLIES, Fate.CONFLICTS])
        self.assertEqual(trials[1].files, ("fs/b.c",))
        # What the last one does to fs/a.c goes in; only the rest is said to conflict.
        self.assertEqual(trials[3].files, ("fs/b.c",))

    def test_file_that_is_not_there(self) -> None:
        base = dict(self.base)
        del self.base["fs/b.c"]
        trials = self.trials({})
        self.base = base
        self.assertEqual(trials[1].files, ("fs/b.c",))
        self.assertIs(trials[2].fate, Fate.APPLIES)

    def test_already_there(self) -> None:
        trials = self.trials({"fs/b.c": LINES.replace("line 7\n", "seven\n"), "fs/new.c": "new\n"})
        self.assertEqual(
            [trial.fate for trial in trials],
            [Fate.APPLIES, Fate.THERE, Fate.THERE, Fate.APPLIES],
        )

    def test_only_what_is_asked_for_is_taken_out(self) -> None:
        tarball = self.tarball({"tools/fs/a.c": "another\n"})
        with apply_check.excerpt(tarball, ("fs/a.c",)) as tree:
            files = {str(file.relative_to(tree.top)) for file in tree.top.rglob("*.c")}
        self.assertEqual(files, {"fs/a.c"})

    def test_no_kernel(self) -> None:
        self.base = {"README": "no\n"}
        with self.assertRaisesRegex(KtError, "is not a kernel source"):
            self.trials({})


class VerdictTest(SourcesCase):
    def findings(self, conflicts: tuple[str, ...], there: tuple[str, ...] = ()) -> Findings:
        trials = self.trials({"fs/b.c": LINES.replace("line 7\n", "other\n")})
        return Findings(Candidate("7.2", "s", "linux", conflicts, there), "7.2.1", trials)

    def shown(self, findings: Findings) -> tuple[Outcome, str]:
        stream = io.StringIO()
        outcome = apply_check.show([findings], self.series, Ui(stream, {}))
        return outcome, stream.getvalue()

    def test_expected(self) -> None:
        outcome, text = self.shown(self.findings(("b", "both")))
        self.assertIs(outcome, Outcome.PASS)
        self.assertIn("7.2 (7.2.1): as expected (applies: 2, conflicts: 2)\n", text)
        self.assertIn("   7.2, 0002-b.patch: fs/b.c\n", text)

    def test_unexpected(self) -> None:
        outcome, text = self.shown(self.findings(("b", "new", "gone")))
        self.assertIs(outcome, Outcome.FAIL)
        self.assertIn("other than expected", text)
        self.assertIn("   gone: no such patch\n", text)
        self.assertIn("   0003-new.patch: applies, expected: conflicts\n", text)
        self.assertIn("   0004-both.patch: conflicts, expected: applies\n", text)

    def test_expected_to_be_there(self) -> None:
        surprises = self.findings(("b", "both"), ("a",)).surprises()
        self.assertEqual(surprises, ["0001-a.patch: applies, expected: already there"])


class PackageTest(SourcesCase):
    def test_from_package_to_verdict(self) -> None:
        self.tarball({"fs/b.c": "\n" + LINES})
        inside = self.top / "pack/usr/src/linux-source-7.2.tar.xz"
        inside.parent.mkdir(parents=True)
        (self.top / "linux.tar.xz").rename(inside)
        control = self.top / "pack/DEBIAN/control"
        self.write(
            control.parent,
            {
                "control": "Package: linux-source-7.2\nVersion: 7.2.9-1\nArchitecture: all\n"
                "Maintainer: Nobody <n@example.org>\nDescription: none\n"
            },
        )
        deb = self.top / "linux-source-7.2_7.2.9-1_all.deb"
        proc.output(["dpkg-deb", "--build", self.top / "pack", deb])
        candidate = Candidate("7.2", "s", "linux-source-7.2", (), ())
        ui = Ui(io.StringIO(), {})
        with mock.patch.object(debian, "fetch_newest", return_value=deb):
            found = apply_check.find(candidate, self.series, self.paths, ui)
        self.assertEqual(found.title, "7.2 (7.2.9-1)")
        self.assertEqual(found.counts(), "applies: 2, offset: 2")
        self.assertEqual(found.surprises(), [])

    def test_version_with_an_epoch(self) -> None:
        deb = Path("/x/linux-source-7.2_1%3a7.2.9-1~bpo13+1_all.deb")
        self.assertEqual(debian.version_of(deb), "1:7.2.9-1~bpo13+1")


class ExpectationsTest(unittest.TestCase):
    def test_patches_that_bases_toml_names_are_in_the_series(self) -> None:
        paths = Paths.of_checkout()
        base = bases.load_base(paths.patches / "bases.toml")
        known = {entry.slug for entry in series.load(paths.patches / base.name).entries}
        self.assertEqual([tried.name for tried in base.tried], ["7.3.y", "7.2", "6.12"])
        for tried in base.tried:
            named = {f"{name}.patch" for name in (*tried.conflicts, *tried.already_there)}
            self.assertLessEqual(named, known)
