# SPDX-License-Identifier: GPL-2.0
"""The list of what goes into the guest's image."""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from ktlib import image


class ListingTest(unittest.TestCase):
    def test_listing(self) -> None:
        with TemporaryDirectory() as name:
            modules, tests = Path(name) / "modules", Path(name) / "tests"
            release = modules / "lib/modules/7.3.4"
            release.mkdir(parents=True)
            (release / "test.ko").touch(mode=0o644)
            (release / "build").symlink_to(name)
            (tests / "revoke").mkdir(parents=True)
            (tests / "revoke/proc_io").touch(mode=0o755)
            (tests / "revoke/settings").touch(mode=0o644)
            with mock.patch.object(image, "_applets", return_value=["sh"]):
                lines = image.listing(
                    {"/init": Path("/o/init")}, {"/usr/bin/env": "/bin/busybox"}, modules, tests
                )
        for line in (
            "dir /usr 0755 0 0",
            "dir /usr/bin 0755 0 0",
            "nod /dev/console 0600 0 0 c 5 1",
            "file /init /o/init 0755 0 0",
            "slink /usr/bin/env /bin/busybox 0777 0 0",
            "slink /bin/sh /bin/busybox 0777 0 0",
            "dir /lib/modules/7.3.4 0755 0 0",
            f"file /lib/modules/7.3.4/test.ko {release}/test.ko 0644 0 0",
            "dir /kselftest/revoke 0755 0 0",
            f"file /kselftest/revoke/proc_io {tests}/revoke/proc_io 0755 0 0",
            f"file /kselftest/revoke/settings {tests}/revoke/settings 0644 0 0",
        ):
            self.assertIn(line, lines)
        self.assertFalse([line for line in lines if "/build" in line])
        folders = [line.split()[1] for line in lines if line.startswith("dir ")]
        self.assertEqual(len(folders), len(set(folders)))

    def test_what_is_left_out(self) -> None:
        with TemporaryDirectory() as name, mock.patch.object(image, "_applets", return_value=[]):
            tests = Path(name)
            for file in ("proc_io", "proc_mmap", "settings"):
                (tests / file).touch()
            lines = image.listing({}, {}, Path("/nowhere"), tests, {tests / "proc_io"})
        files = [line.split()[1] for line in lines if line.startswith("file /kselftest/")]
        self.assertEqual(files, ["/kselftest/proc_mmap", "/kselftest/settings"])

    def test_libraries(self) -> None:
        found = image._libraries([Path("/bin/cat")])
        self.assertTrue([name for name in found if "/libc.so" in name])
        self.assertEqual(image._libraries([Path("/bin/busybox")]), {})

    def test_no_selftests(self) -> None:
        with mock.patch.object(image, "_applets", return_value=[]):
            lines = image.listing({}, {}, Path("/nowhere"), Path("/nowhere"))
        self.assertFalse([line for line in lines if "/kselftest/" in line])
