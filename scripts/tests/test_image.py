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
            tests = Path(name)
            (tests / "revoke").mkdir()
            (tests / "revoke/proc_io").touch(mode=0o755)
            (tests / "revoke/settings").touch(mode=0o644)
            with mock.patch.object(image, "_applets", return_value=["sh"]):
                lines = image.listing({"/init": Path("/o/init")}, [Path("/o/test.ko")], tests)
        for line in (
            "dir /usr 0755 0 0",
            "dir /usr/bin 0755 0 0",
            "nod /dev/console 0600 0 0 c 5 1",
            "file /init /o/init 0755 0 0",
            "slink /bin/sh /bin/busybox 0777 0 0",
            "file /lib/modules/test.ko /o/test.ko 0644 0 0",
            "dir /kselftest/revoke 0755 0 0",
            f"file /kselftest/revoke/proc_io {tests}/revoke/proc_io 0755 0 0",
            f"file /kselftest/revoke/settings {tests}/revoke/settings 0644 0 0",
        ):
            self.assertIn(line, lines)
        folders = [line.split()[1] for line in lines if line.startswith("dir ")]
        self.assertEqual(len(folders), len(set(folders)))

    def test_no_selftests(self) -> None:
        with mock.patch.object(image, "_applets", return_value=[]):
            lines = image.listing({}, [], Path("/nowhere"))
        self.assertFalse([line for line in lines if "/kselftest/" in line])
