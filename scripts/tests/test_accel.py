# SPDX-License-Identifier: GPL-2.0
"""The probe of the accelerator, with the real QEMU where there is one."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from ktlib import accel, qemu
from ktlib.accel import Accel, Probe, Verdicts
from ktlib.errors import KtError


@unittest.skipUnless(shutil.which(qemu.QEMU), "no QEMU here")
class TinyGuestTest(unittest.TestCase):
    def test_runs_in_emulation(self) -> None:
        self.assertEqual(accel.probe("tcg").fault, "")

    def test_one_that_never_ends(self) -> None:
        endless = accel.tiny_kernel(1).replace(b"\xee\xf4", b"\xf4\xf4")
        with mock.patch.object(accel, "tiny_kernel", return_value=endless):
            with mock.patch.object(accel, "_PROBE_DEADLINE_S", 0.5):
                self.assertIn("hung", accel.probe("tcg").fault)

    def test_what_qemu_complains_about(self) -> None:
        self.assertIn("invalid accelerator none", accel.probe("none").fault)


class ChoiceTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = folder / "sub" / "accel.json"
        self.kvm = folder / "kvm"
        self.kvm.touch()
        self.probes = {"tcg": Probe("", 0.1), "kvm": Probe("QEMU aborted", 0.1)}
        self.probed: list[str] = []
        self.enterContext(mock.patch.object(accel, "probe", self.probe))
        self.enterContext(mock.patch.object(accel, "_KVM", self.kvm))
        self.enterContext(mock.patch.object(accel, "_qemu_version", return_value="QEMU 1"))

    def probe(self, name: str) -> Probe:
        self.probed.append(name)
        return self.probes[name]

    def choose(self, wanted: str) -> Accel:
        return accel.choose(wanted, Verdicts(self.file))

    def test_kvm_is_tried_once(self) -> None:
        for _ in range(2):
            self.assertEqual(str(self.choose("auto")), "tcg (kvm: QEMU aborted)")
        self.assertEqual(self.probed, ["kvm", "tcg", "tcg"])

    def test_another_qemu_is_another_question(self) -> None:
        self.choose("auto")
        with mock.patch.object(accel, "_qemu_version", return_value="QEMU 2"):
            self.choose("auto")
        self.assertEqual(self.probed.count("kvm"), 2)
        self.assertEqual(len(json.loads(self.file.read_text())), 2)

    def test_kvm_that_works(self) -> None:
        self.probes["kvm"] = Probe("", 0.1)
        self.assertEqual(str(self.choose("auto")), "kvm")

    def test_no_kvm(self) -> None:
        self.kvm.unlink()
        self.assertEqual(str(self.choose("auto")), f"tcg (kvm: no {self.kvm})")

    def test_overrides(self) -> None:
        self.assertEqual(str(self.choose("kvm")), "kvm")
        self.assertEqual(str(self.choose("tcg")), "tcg")
        self.assertEqual(self.probed, ["tcg"])

    def test_unknown(self) -> None:
        with self.assertRaisesRegex(KtError, "no accelerator 'xen'"):
            self.choose("xen")

    def test_slow_machine(self) -> None:
        self.probes["tcg"] = Probe("", 3 * accel._REFERENCE_S)
        chosen = self.choose("tcg")
        self.assertAlmostEqual(chosen.slowness, 3.0)
        self.assertEqual(str(chosen), "tcg, 3.0 times slower than usual")

    def test_damaged_cache(self) -> None:
        self.file.parent.mkdir()
        self.file.write_text("{")
        self.assertEqual(self.choose("auto").name, "tcg")

    def test_qemu_that_does_not_work_at_all(self) -> None:
        self.probes["tcg"] = Probe("QEMU aborted", 0.0)
        with self.assertRaisesRegex(KtError, "QEMU does not work here: QEMU aborted"):
            self.choose("tcg")


if __name__ == "__main__":
    unittest.main()
