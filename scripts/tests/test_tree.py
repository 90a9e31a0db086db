# SPDX-License-Identifier: GPL-2.0
"""Source, branch, export and mbox on a kernel of three files: git does the work, in a second."""

import io
import unittest
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ktlib import branch, debian, mail, posting, proc, series
from ktlib.bases import Base, DebianSource
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.source import Request, Source, obtain
from ktlib.ui import Ui

BASE = Base("v7.3", True, "7.3", "v7.3.4", "", "unknown", DebianSource("s", "linux", "1", "", ""))
MAKEFILE = "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n"


class TreeCase(unittest.TestCase):
    """A project folder with selftests/, and a plain kernel folder to import."""

    def setUp(self) -> None:
        holder = TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.top = Path(holder.name)
        self.paths = Paths(top=self.top / "project", cache=self.top / "cache")
        self.kernel = self.top / "kernel"
        self.printed = io.StringIO()
        self.ui = Ui(self.printed, {})
        # Debian's source ignores everything at its top.
        for name, text in (
            ("Makefile", MAKEFILE),
            ("Kbuild", ""),
            (".gitignore", "/*\n"),
            ("fs/a.c", "one\ntwo\nthree\n"),
            ("fs/b.c", "untouched\n"),
        ):
            self.write(self.kernel / name, text)
        self.write(self.paths.selftests / "revoke/Makefile", "all:\n")
        self.write(self.paths.patches / "v7.3/series", "# version: 1\n")

    @staticmethod
    def write(file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def source(self, request: Request | None = None) -> Source:
        return obtain(request or Request(kernel_src=self.kernel), BASE, self.paths, self.ui)

    def listed(self) -> series.Series:
        return series.load(self.paths.patches / "v7.3")

    def apply(self, source: Source, *, upto: str = "", force: bool = False) -> str:
        wanted = self.listed().cut(upto)
        return branch.apply(source, wanted, self.paths.selftests, self.ui, force=force)

    def export(self, source: Source) -> series.Series:
        return branch.export(source, self.listed(), self.paths.selftests, self.ui)

    def commit(self, source: Source, name: str, text: str, title: str) -> None:
        self.write(source.git.top / name, text)
        source.git.call("add", "--force", name)
        date = "2026-11-21T10:00:00+00:00"
        environment = {"GIT_AUTHOR_DATE": date, "GIT_AUTHOR_NAME": "Some One"}
        source.git.call("commit", "-q", "-m", f"{title}\n\nA reason.", env=environment)

    def two_patches(self) -> Source:
        """A source with a branch of two commits, exported; the second is the generated one."""
        source = self.source()
        self.apply(source)
        self.commit(source, "fs/a.c", "one\n2\nthree\n", "fs: count")
        self.commit(
            source, "tools/testing/selftests/revoke/Makefile", "old:\n", "selftests: add revoke"
        )
        branch.export(source, self.listed(), self.top, self.ui)
        listing = self.paths.patches / "v7.3/series"
        generated = "0002-selftests-add-revoke.patch"
        listing.write_text(
            listing.read_text()
            .replace(generated, f"{generated}  # generated from selftests/")
            .replace("0001-fs-count.patch\n", "0001-fs-count.patch\n# upto: core\n")
        )
        self.apply(source)
        self.export(source)
        return source

    def patch_texts(self) -> dict[str, str]:
        return {file.name: file.read_text() for file in self.listed().files}


class SourceTest(TreeCase):
    def test_same_content_same_commit(self) -> None:
        first = self.source()
        copy = self.top / "copy"
        self.kernel.rename(copy)
        second = self.source(Request(kernel_src=copy))
        self.assertEqual(first.base, second.base)
        self.assertNotEqual(first.name, second.name)
        self.assertEqual(first.version, "7.3.4")
        self.assertFalse((copy / ".git").exists())

    def test_ignored_files_are_imported(self) -> None:
        names = self.source().git.call("ls-files").splitlines()
        self.assertIn("fs/b.c", names)

    def test_folder_that_changed(self) -> None:
        before = self.source()
        unchanged = (before.git.top / "fs/b.c").stat().st_mtime_ns
        self.write(self.kernel / "fs/a.c", "other\n")
        after = self.source()
        self.assertNotEqual(before.base, after.base)
        self.assertEqual((after.git.top / "fs/a.c").read_text(), "other\n")
        self.assertEqual((after.git.top / "fs/b.c").stat().st_mtime_ns, unchanged)

    def test_git_tree_is_only_read(self) -> None:
        imported = self.source()
        theirs = Git(self.top / "theirs")
        imported.git.top.rename(theirs.top)
        (theirs.top / ".git/f_revoke-origin.json").unlink()
        theirs.call("tag", "v7.3.4")
        self.write(theirs.top / "fs/a.c", "their work\n")
        before = (theirs.call("for-each-ref"), theirs.call("status", "--short"))

        source = self.source(Request(kernel_src=theirs.top))
        self.apply(source)

        self.assertEqual(before, (theirs.call("for-each-ref"), theirs.call("status", "--short")))
        self.assertEqual(source.base_commit, theirs.commit_of("v7.3.4"))
        self.assertEqual((source.git.top / "fs/a.c").read_text(), "one\ntwo\nthree\n")
        self.assertIn("uncommitted changes", self.printed.getvalue())

    def test_other_version_is_a_warning(self) -> None:
        self.write(self.kernel / "Makefile", MAKEFILE.replace("3", "2"))
        self.source()
        self.assertIn("this is Linux 7.2.4; the series is made for 7.3.y", self.printed.getvalue())

    def test_only_the_default_base_has_plain_names(self) -> None:
        tarball = self.top / "linux.tar"
        proc.output(["tar", "-C", self.top, "-cf", tarball, "kernel"])
        pinned = replace(BASE.debian, tarball_sha256=debian.sha256(tarball))
        keys = []
        for is_default in (True, False):
            base = replace(BASE, is_default=is_default, debian=pinned)
            source = obtain(Request(tarball=tarball), base, self.paths, self.ui)
            keys.append(source.build_key("plain"))
            self.assertTrue(source.is_pinned)
        self.assertEqual(keys, ["plain", "plain@linux-7.3"])

    def test_not_a_kernel(self) -> None:
        with self.assertRaisesRegex(KtError, "not the top of a kernel source"):
            self.source(Request(kernel_src=self.top))
        with self.assertRaisesRegex(KtError, "no file"):
            self.source(Request(tarball=self.top / "none.tar"))
        with self.assertRaisesRegex(KtError, "both"):
            self.source(Request(self.kernel, self.kernel))


class BranchTest(TreeCase):
    def test_empty_series(self) -> None:
        source = self.source()
        self.assertEqual(self.apply(source), source.base)
        self.assertEqual(self.export(source).entries, ())
        self.assertEqual(posting.mails(source, self.listed(), source.base), {})

    def test_round_trip(self) -> None:
        source = self.two_patches()
        texts = self.patch_texts()
        self.assertEqual(list(texts), ["0001-fs-count.patch", "0002-selftests-add-revoke.patch"])
        tip = branch.imported(source.git, source.base, self.listed())
        self.assertEqual(tip, source.git.commit_of(branch.BRANCH))
        self.assertEqual(branch.exported(source.git, source.base, tip, 1), texts)
        self.export(source)
        self.assertEqual(self.patch_texts(), texts)
        for text in texts.values():
            self.assertEqual(mail.complaints(text), [])
            self.assertIn("From: Some One", text)

    def test_selftests_take_the_place_of_their_copy(self) -> None:
        source = self.two_patches()
        inside = source.git.top / "tools/testing/selftests/revoke/Makefile"
        self.assertEqual(inside.read_text(), "all:\n")
        self.write(self.paths.selftests / "revoke/new.cc", "int x;\n")
        stale = self.patch_texts()
        self.apply(source)
        self.assertTrue((inside.parent / "new.cc").exists())
        self.export(source)
        self.assertIn("+int x;", self.patch_texts()["0002-selftests-add-revoke.patch"])
        self.assertEqual(self.patch_texts()["0001-fs-count.patch"], stale["0001-fs-count.patch"])

    def test_tests_changed_in_the_tree_are_not_lost(self) -> None:
        source = self.two_patches()
        self.commit(source, "tools/testing/selftests/revoke/Makefile", "mine:\n", "selftests: mine")
        with self.assertRaisesRegex(KtError, "selftests/ is its source"):
            self.export(source)

    def test_changes_by_hand_are_known(self) -> None:
        source = self.two_patches()
        self.assertTrue(branch.is_of_patches_alone(source))
        self.write(source.git.top / "fs/a.c", "mine\n")
        self.assertFalse(branch.is_of_patches_alone(source))
        self.commit(source, "fs/a.c", "mine\n", "fs: mine")
        self.assertTrue(source.git.is_clean())
        self.assertFalse(branch.is_of_patches_alone(source))

    def test_second_apply_touches_nothing(self) -> None:
        source = self.two_patches()
        file = source.git.top / "fs/a.c"
        before = file.stat().st_mtime_ns
        self.assertEqual(self.apply(source), self.apply(source))
        self.assertEqual(file.stat().st_mtime_ns, before)

    def test_changed_patch_touches_only_its_files(self) -> None:
        source = self.two_patches()
        untouched = source.git.top / "fs/b.c"
        before = untouched.stat().st_mtime_ns
        patch = self.listed().files[0]
        patch.write_text(patch.read_text().replace("+2\n", "+deux\n"))
        self.apply(source)
        self.assertEqual((source.git.top / "fs/a.c").read_text(), "one\ndeux\nthree\n")
        self.assertEqual(untouched.stat().st_mtime_ns, before)

    def test_own_commits_are_kept_and_exported(self) -> None:
        source = self.two_patches()
        self.commit(source, "fs/b.c", "mine\n", "fs: mine")
        tip = source.git.commit_of(branch.BRANCH)
        self.assertEqual(self.apply(source), tip)
        self.assertIn("work of your own", self.printed.getvalue())
        written = self.export(source)
        self.assertEqual(written.entries[-1].name, "0003-fs-mine.patch")
        self.assertEqual(written.generated_index, 1)
        self.assertEqual(written.entries[0].markers, (series.Marker("core"),))

    def test_commits_put_before_the_generated_one(self) -> None:
        source = self.two_patches()
        generated = source.git.commit_of(branch.BRANCH)
        assert generated
        source.git.call("reset", "--quiet", "--hard", f"{generated}^")
        self.commit(source, "fs/b.c", "mine\n", "fs: mine")
        source.git.call("cherry-pick", generated)
        self.write(self.paths.selftests / "revoke/new.cc", "new\n")
        written = self.export(source)
        self.assertEqual(written.generated_index, 2)
        for file, expected in zip(written.files, (False, False, True), strict=True):
            self.assertEqual("new.cc" in file.read_text(), expected, file.name)

    def test_force_goes_back_to_the_series(self) -> None:
        source = self.two_patches()
        tip = source.git.commit_of(branch.BRANCH)
        self.commit(source, "fs/b.c", "mine\n", "fs: mine")
        self.assertEqual(self.apply(source, force=True), tip)

    def test_uncommitted_changes_stop_a_new_series(self) -> None:
        source = self.two_patches()
        self.write(source.git.top / "fs/b.c", "in the works\n")
        self.apply(source)
        patch = self.listed().files[0]
        patch.write_text(patch.read_text().replace("+2\n", "+deux\n"))
        with self.assertRaisesRegex(KtError, "uncommitted changes"):
            self.apply(source)

    def test_part_of_the_series(self) -> None:
        source = self.two_patches()
        self.commit(source, "fs/b.c", "last\n", "fs: last")
        self.export(source)
        listing = self.paths.patches / "v7.3/series"
        lines = listing.read_text().splitlines()
        lines[-2:] = [lines[-1], "# upto: last revoke:*", lines[-2]]
        listing.write_text("\n".join(lines) + "\n")
        self.apply(source, upto="core")
        self.assertEqual((source.git.top / "fs/b.c").read_text(), "untouched\n")
        self.assertTrue((source.git.top / "tools").exists())
        with self.assertRaisesRegex(KtError, "only a part of the series"):
            self.export(source)
        self.apply(source)
        self.assertEqual((source.git.top / "fs/b.c").read_text(), "last\n")

    def test_base_with_the_tests_is_beside(self) -> None:
        source = self.two_patches()
        tip = source.git.commit_of(branch.BRANCH)
        beside = source.beside()
        branch.apply_beside(beside, self.listed().cut("base"), self.paths.selftests)
        self.assertEqual((beside.git.top / "fs/a.c").read_text(), "one\ntwo\nthree\n")
        self.assertTrue((beside.git.top / "tools/testing/selftests/revoke/Makefile").exists())
        self.assertEqual(source.git.commit_of("HEAD"), tip)
        self.assertNotEqual(beside.build_key("plain"), source.build_key("plain"))
        self.assertEqual(source.beside(), beside)

    def test_part_does_without_what_depends_on_the_rest(self) -> None:
        source = self.two_patches()
        self.commit(source, "MAINTAINERS", "REVOKE\n", "MAINTAINERS: add")
        patches = branch.exported(source.git, source.base, source.git.commit_of("HEAD") or "", 1)
        file = self.top / "add.patch"
        file.write_text(list(patches.values())[2])
        tip = branch.applied_mails(source.git, source.base, [file], ["MAINTAINERS"])
        self.assertIsNone(source.git.tree_of(tip, "MAINTAINERS"))

    def test_patch_that_does_not_apply(self) -> None:
        source = self.two_patches()
        patch = self.listed().files[0]
        patch.write_text(patch.read_text().replace("-two", "-zwei"))
        with self.assertRaisesRegex(KtError, "0001-fs-count.patch does not apply") as caught:
            self.apply(source)
        self.assertIs(caught.exception.outcome, Outcome.APPLY_FAIL)
        self.assertIn("fs/a.c", caught.exception.hint)
        self.assertEqual(list(source.git.top.parent.glob("scratch-*")), [])

    def test_patch_that_is_there_already(self) -> None:
        self.two_patches()
        self.write(self.kernel / "fs/a.c", "one\n2\nthree\n")
        source = self.source()
        with self.assertRaises(KtError) as caught:
            self.apply(source, force=True)
        self.assertIn("has it already", caught.exception.hint)


class PostingTest(TreeCase):
    def test_mbox_gives_the_same_tree(self) -> None:
        source = self.two_patches()
        self.write(self.listed().cover, "fs: count\n\nWhy.\n")
        tip = source.git.commit_of(branch.BRANCH) or ""
        content = posting.mails(source, self.listed(), tip)
        self.assertEqual(len(content), 3)
        self.assertIn("Some One (2):", content["0000-cover-letter.patch"])
        mbox = self.top / "out.mbox"
        posting.write_mbox({name: content[name] for name in list(content)[1:]}, mbox)
        self.assertEqual(branch.applied_mails(source.git, source.base, [mbox]), tip)

    def test_signoff(self) -> None:
        source = self.two_patches()
        tip = source.git.commit_of(branch.BRANCH) or ""
        who = posting.parse_identity("A Sender <a@example.org>")
        for text in posting.mails(source, self.listed(), tip, who).values():
            self.assertEqual(text.count("Signed-off-by: A Sender <a@example.org>"), 1)
            self.assertIn("From: Some One", text)

    def test_bad_identity(self) -> None:
        for text in ("", "A Sender", "<a@b>", "A <b>"):
            with self.subTest(text), self.assertRaisesRegex(KtError, "not an identity"):
                posting.parse_identity(text)
