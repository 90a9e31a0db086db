# SPDX-License-Identifier: GPL-2.0
"""Which new files MAINTAINERS covers."""

import unittest

from ktlib.maintainers import without_section

TEXT = """
FILESYSTEMS
F:	fs/*
F:	include/linux/fs_*.h
F:	tools/testing/selftests/revoke/

THE REST
F:	*
F:	*/
"""


class MaintainersTest(unittest.TestCase):
    def lost(self, *files: str) -> list[str]:
        return without_section(TEXT, list(files))

    def test_covered(self) -> None:
        self.assertEqual(self.lost("fs/a.c", "include/linux/fs_b.h"), [])
        self.assertEqual(self.lost("tools/testing/selftests/revoke/sub/c.cc"), [])

    def test_star_stays_in_its_folder(self) -> None:
        self.assertEqual(self.lost("fs/tests/a.c"), ["fs/tests/a.c"])

    def test_the_rest_is_nobody(self) -> None:
        self.assertEqual(self.lost("lib/x.c", "fs.c"), ["lib/x.c", "fs.c"])
