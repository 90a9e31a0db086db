# SPDX-License-Identifier: GPL-2.0
"""What a guest sent, in the folder of its run."""

import io
import tarfile
import tempfile
import unittest
from pathlib import Path

from ktlib import rundir


class UnpackTest(unittest.TestCase):
    def setUp(self) -> None:
        self.top = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.archive = self.top / "files.tar"
        self.folder = self.top / "run" / "files"
        self.folder.parent.mkdir()

    def pack(self, *members: tarfile.TarInfo) -> None:
        with tarfile.open(self.archive, "w") as archive:
            for member in members:
                member.size = 0 if member.issym() else 3
                archive.addfile(member, io.BytesIO(b"abc"))

    def test_files(self) -> None:
        self.pack(tarfile.TarInfo("./result.json"), tarfile.TarInfo("./history.jsonl"))
        self.assertEqual(rundir.unpack_files(self.folder, self.archive), "")
        self.assertEqual((self.folder / "result.json").read_text(), "abc")
        self.assertEqual(len(list(self.folder.iterdir())), 2)
        self.assertFalse(self.archive.exists())

    def test_nothing_leads_out(self) -> None:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        self.pack(tarfile.TarInfo("../../outside"), link)
        self.assertEqual(rundir.unpack_files(self.folder, self.archive), "")
        self.assertEqual([file.name for file in self.folder.iterdir()], ["outside"])
        self.assertFalse((self.top / "outside").exists())

    def test_nothing_sent(self) -> None:
        self.archive.touch()
        self.assertEqual(rundir.unpack_files(self.folder, self.archive), "")
        self.assertEqual(rundir.unpack_files(self.folder, self.archive), "")
        self.assertFalse(self.folder.exists())

    def test_cut_off(self) -> None:
        self.pack(tarfile.TarInfo("./result.json"))
        self.archive.write_bytes(self.archive.read_bytes()[:514])
        self.assertIn("files.tar: ", rundir.unpack_files(self.folder, self.archive))
        self.assertTrue(self.archive.exists())
