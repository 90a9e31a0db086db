# SPDX-License-Identifier: GPL-2.0
"""Configuring and building, with a make that only pretends to."""

import io
import os
import unittest
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from ktlib import proc
from ktlib.errors import KtError
from ktlib.git import Git, git_env
from ktlib.kbuild import Build, Target
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.scenarios import Profile
from ktlib.source import Source
from ktlib.ui import Ui

MAKE = """\
#!/bin/sh
for word; do
    case "$word" in
    O=*) out=${word#O=} ;;
    INSTALL_MOD_PATH=*) modules=${word#*=}/lib/modules/7.3.4 ;;
    esac
done
case "$*" in
*allnoconfig*) grep -v KASAN "$KCONFIG_ALLCONFIG" >"$out/.config" ;;
*modules_install*) mkdir -p "$modules" && touch "$modules/test_revoke.ko" ;;
*vmlinux*) echo "  CC      fs/a.o"; echo "fs/a.c:7:2: error: no"; exit 2 ;;
esac
"""


class BuildTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.top = Path(holder.name)
        self.printed = io.StringIO()
        self.ui = Ui(self.printed, {})
        make = self.file("bin/make", MAKE)
        make.chmod(0o755)
        path = f"{make.parent}:{os.environ['PATH']}"
        patched = mock.patch.dict(os.environ, {"PATH": path, "MAKEFLAGS": "-n"})
        patched.start()
        self.addCleanup(patched.stop)

    def file(self, name: str, text: str) -> Path:
        file = self.top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def build(self, fragment: str, series_fragment: str = "") -> Build:
        tree = self.file("tree/lib/Kconfig", "config TEST_REVOKE\n\ttristate\n").parents[1]
        proc.output(["git", "init", "-q", tree], env=git_env())
        Git(tree).call("add", ".")
        source = Source("linux", Git(tree), "", "7.3.4", True, "", "", {})
        profile = Profile(
            name="plain",
            about="",
            fragments=(self.file("base.config", fragment),),
            series_fragments=(self.file("revoke.config", series_fragment),),
            kunit_suites={"revoke": "KUNIT"},
            kselftests=(),
            stress_profile="quick",
            stress_duration_s=1,
            program="",
            kernel="plain",
            icount=False,
            rootfs="initramfs",
            append="",
            memory_mb=1,
            cpus=1,
            boot_deadline_s=1,
            silence_deadline_s=1,
            total_deadline_s=1,
        )
        return Build.of(source, profile, Paths(self.top / "project", self.top / "cache"))

    def test_options_of_the_series_need_not_be_there(self) -> None:
        build = self.build("CONFIG_KUNIT=y\n", "CONFIG_OTHER=y\nCONFIG_TEST_REVOKE=m\n")
        build.configure(self.ui)
        self.assertEqual(build.config.read_text(), "CONFIG_KUNIT=y\nCONFIG_TEST_REVOKE=m\n")
        self.assertIn("CONFIG_OTHER is not in this tree: left out", self.printed.getvalue())

    def test_dropped_option(self) -> None:
        with self.assertRaisesRegex(KtError, r"dropped 1 options: CONFIG_KASAN=y \(is n\)"):
            self.build("CONFIG_KASAN=y\nCONFIG_KUNIT=y\n").configure(self.ui)

    def test_option_that_another_base_lacks(self) -> None:
        build = self.build("CONFIG_KASAN=y\nCONFIG_KUNIT=y\n")
        replace(build, source=replace(build.source, instead={"KASAN": ""})).configure(self.ui)
        self.assertEqual(build.config.read_text(), "CONFIG_KUNIT=y\n")

    def test_failed_build_shows_its_errors(self) -> None:
        build = self.build("CONFIG_KUNIT=y\n")
        with self.assertRaisesRegex(KtError, "the build of plain failed") as caught:
            build.compile(self.ui)
        self.assertIs(caught.exception.outcome, Outcome.BUILD_FAIL)
        self.assertEqual(caught.exception.hint, "fs/a.c:7:2: error: no")
        self.assertIn("  CC      fs/a.o\n", build.log.read_text())

    def test_folders_for_another_machine(self) -> None:
        target = Target("arm64", "aarch64-linux-gnu-", "allmodconfig")
        build = replace(self.build("CONFIG_KUNIT=y\n"), target=target)
        build.configure(self.ui)
        build.compile_folders(["fs", "mm"], self.ui)
        first, last = build.log.read_text().splitlines()
        self.assertTrue(first.endswith(" allmodconfig"), first)
        for words in ("ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-", "gcc' ", "W=1 C=1"):
            self.assertIn(words, last)
        self.assertTrue(last.endswith("=__typeof__' fs/ mm/"), last)

    def test_expected_suites(self) -> None:
        build = self.build("CONFIG_KUNIT=y\n")
        build.configure(self.ui)
        self.assertEqual(build.expected_suites(), ("revoke",))
        build.kselftests.mkdir()
        (build.kselftests / "kselftest-list.txt").write_text("revoke:proc_io\nrevoke:proc_open\n")
        programs = ("kselftest.revoke.proc_io", "kselftest.revoke.proc_open")
        self.assertEqual(build.expected_suites(), ("revoke", *programs))
        self.assertEqual(build.expected_suites("revoke:proc_io"), ("revoke", programs[0]))
        self.assertEqual(build.expected_suites(""), ("revoke",))

    def test_nothing_of_ours_in_the_tree(self) -> None:
        build = self.build("")
        build.kselftests.mkdir(parents=True)
        build.install_selftests(("*",), self.ui)
        self.assertFalse(build.kselftests.exists())

    def test_modules(self) -> None:
        build = self.build("")
        old = build.modules / "lib/modules/7.3.3/old.ko"
        old.parent.mkdir(parents=True)
        old.touch()
        build.install_modules(self.ui)
        found = [file.relative_to(build.modules) for file in build.modules.rglob("*.ko")]
        self.assertEqual(found, [Path("lib/modules/7.3.4/test_revoke.ko")])
        self.assertIn("1 modules", self.printed.getvalue())
