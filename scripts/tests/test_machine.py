# SPDX-License-Identifier: GPL-2.0
"""What is read off the machine and the configuration files: packages, mirror, profiles, bases."""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from ktlib import debian, deps, scenarios
from ktlib.bases import load_base
from ktlib.errors import KtError
from ktlib.paths import Paths
from ktlib.source import kernel_version

PATHS = Paths.of_checkout()


class PackagesTest(unittest.TestCase):
    def test_installed(self) -> None:
        status = "git ii \ngcc rc \nlibc6-dev:amd64 ii \nbc\nflex un \n"
        self.assertEqual(deps.installed(status), {"git", "libc6-dev"})

    def test_lists_are_sorted_and_disjoint(self) -> None:
        for names in deps.PACKAGES.values():
            self.assertEqual(list(names), sorted(set(names)))
        every = [name for names in deps.PACKAGES.values() for name in names]
        self.assertEqual(sorted(every), deps.packages_for(deps.PACKAGES))


class MirrorTest(unittest.TestCase):
    def test_main_archive_of_debian(self) -> None:
        targets = (
            "http://other.example/deb stable Other\n"
            "http://mirror.example/debian-security bookworm-security Debian\n"
            "http://mirror.example/debian/ bookworm Debian\n"
        )
        self.assertEqual(debian.mirror_from(targets), "http://mirror.example/debian")

    def test_lists_never_fetched(self) -> None:
        targets = "http://m.example/debian-security b-security \nhttp://m.example/debian b \n"
        self.assertEqual(debian.mirror_from(targets), "http://m.example/debian")

    def test_none(self) -> None:
        with self.assertRaisesRegex(KtError, "no mirror") as caught:
            debian.mirror_from("http://other.example/deb stable Other\n")
        self.assertIn("KERNEL_SRC", caught.exception.hint)


class FilesTest(unittest.TestCase):
    def test_base(self) -> None:
        base = load_base(PATHS.patches / "bases.toml")
        self.assertTrue(base.tag.startswith(f"v{base.kernel}."))
        self.assertTrue((PATHS.patches / base.name / "series").is_file())
        self.assertEqual(base.debian.deb_name, "linux-source-7.3_7.3.4-1~bpo13+1_all.deb")

    def test_unknown_base(self) -> None:
        with self.assertRaisesRegex(KtError, "no base v0.1") as caught:
            load_base(PATHS.patches / "bases.toml", "v0.1")
        self.assertIn("v7.3", caught.exception.hint)

    def test_profiles(self) -> None:
        profiles = scenarios.load_profiles(PATHS.kernel_config)
        self.assertLessEqual({"plain", "debug"}, profiles.keys())
        for profile in profiles.values():
            self.assertTrue(all(file.is_file() for file in profile.fragments), profile.name)
            self.assertIn("console=ttyS0", profile.append)
            self.assertLess(profile.boot_deadline_s, profile.total_deadline_s)

    def test_unknown_profile(self) -> None:
        with self.assertRaisesRegex(KtError, "no profile 'fast'") as caught:
            scenarios.find_profile(PATHS.kernel_config, "fast")
        self.assertIn("plain", caught.exception.hint)

    def test_unknown_field(self) -> None:
        with TemporaryDirectory() as folder:
            text = (PATHS.kernel_config / "scenarios.toml").read_text()
            changed = text.replace("[plain]\n", "[plain]\nspeed = 1\n")
            (Path(folder) / "scenarios.toml").write_text(changed)
            with self.assertRaisesRegex(KtError, "scenarios.toml: .*speed"):
                scenarios.load_profiles(Path(folder))

    def test_kernel_version(self) -> None:
        self.assertEqual(kernel_version("VERSION = 7\nPATCHLEVEL = 4\nNAME = x\n"), "7.4.0")
        with self.assertRaisesRegex(KtError, "does not state"):
            kernel_version("all:\n")
