# SPDX-License-Identifier: GPL-2.0
"""Whole runs with a stand-in for QEMU that behaves as badly as the real one can."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from ktlib import accel, exchange, qemu, run
from ktlib.account import Provenance
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.run import RunResult, RunSpec, run_guest
from ktlib.ui import Ui

FAKE = Path(__file__).parent / "testdata" / "fake_qemu.py"

# A run ends by itself within two seconds; what hangs would go on for ever.
SLOW_MACHINE_S = 60.0


class RunTest(unittest.TestCase):
    def setUp(self) -> None:
        self.top = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("vmlinux", "initrd", "config", "kvm"):
            (self.top / name).write_text(name)
        self.printed = io.StringIO()
        self.enterContext(mock.patch.object(qemu, "QEMU", str(FAKE)))
        self.enterContext(mock.patch.object(qemu, "_PANIC_GRACE_S", 0.3))
        self.enterContext(mock.patch.object(qemu, "_FLOOD_BYTES", 1 << 20))
        self.enterContext(mock.patch.object(run, "_FIRST_BYTE_S", 0.7))
        self.enterContext(mock.patch.object(accel, "_KVM", self.top / "kvm"))
        # However loaded the machine is, the deadlines of these tests are not stretched.
        self.enterContext(mock.patch.object(accel, "_REFERENCE_S", 60.0))
        cache = {"XDG_CACHE_HOME": str(self.top / "cache")}
        self.enterContext(mock.patch.dict(os.environ, cache))

    def spec(self, fake: str) -> RunSpec:
        return RunSpec(
            profile="plain",
            provenance=Provenance("lab", "v7.3.4", "", "", 64 * "0", "gcc"),
            vmlinux=self.top / "vmlinux",
            userspace=self.top / "initrd",
            config=self.top / "config",
            append=f"fake={fake}",
            memory_mb=512,
            cpus=2,
            accel="tcg",
            runs_dir=self.top / "runs",
            boot_deadline_s=1.0,
            silence_deadline_s=0.7,
            total_deadline_s=2.5,
            expect_suites=(),
        )

    def run_fake(self, fake: str) -> RunResult:
        return run_guest(self.spec(fake), Ui(self.printed, {}))

    def check(self, fake: str, outcome: Outcome, *reasons: str) -> RunResult:
        start = time.monotonic()
        result = self.run_fake(fake)
        self.assertLess(time.monotonic() - start, SLOW_MACHINE_S)
        self.assertIs(result.outcome, outcome, result.reasons)
        for reason in reasons:
            self.assertIn(reason, result.reasons)
        self.assertIn(f"{outcome.name}: ", self.printed.getvalue().splitlines()[-1])
        return result


class OutcomeTest(RunTest):
    def test_good(self) -> None:
        result = self.check("good", Outcome.PASS)
        self.assertEqual(result.reasons, ())
        self.assertEqual(len(result.tests), 4)

    def test_failed_test(self) -> None:
        self.check("fails", Outcome.FAIL, "revoke.close failed")
        self.assertIn("    # expected 1, got 2\n", self.printed.getvalue())

    def test_missing_suite(self) -> None:
        spec = replace(self.spec("good"), expect_suites=("kselftest.sysfs", "kselftest.revoke"))
        result = run_guest(spec, Ui(self.printed, {}))
        self.assertEqual(result.reasons, ("the suite kselftest.sysfs did not run",))

    def test_no_tests(self) -> None:
        self.check("empty", Outcome.NO_TESTS, "not a single test ran")

    def test_hang(self) -> None:
        self.check("hang", Outcome.HANG)

    def test_total_deadline(self) -> None:
        self.check("endless", Outcome.TIMEOUT, qemu.VmEnd.OVERTIME.value)

    def test_flood(self) -> None:
        self.check("flood", Outcome.HANG, qemu.VmEnd.FLOOD.value)

    def test_crash_that_stays(self) -> None:
        self.check("panic", Outcome.CRASH)

    def test_crash_that_exits_with_zero(self) -> None:
        result = self.check("panic_exit", Outcome.CRASH)
        self.assertEqual(result.reasons[0], "kernel NULL pointer dereference in zoo_null")

    def test_gone_before_the_token(self) -> None:
        self.check("lost", Outcome.LOST, qemu.VmEnd.EXITED.value)

    def test_mute(self) -> None:
        self.check("mute", Outcome.BOOT_FAIL, qemu.VmEnd.NO_CONSOLE.value)

    def test_no_init(self) -> None:
        self.check("no_init", Outcome.BOOT_FAIL, qemu.VmEnd.NO_BOOT.value)

    def test_broken_qemu(self) -> None:
        self.check("broken", Outcome.INFRA, "QEMU ended with an error: -initrd: no such thing")


class AccelTest(RunTest):
    def test_falls_back_once_and_remembers(self) -> None:
        spec = replace(self.spec("kvm_mute"), accel="auto")
        self.assertIs(run_guest(spec, Ui(self.printed, {})).outcome, Outcome.PASS)
        self.assertIn("warning: kvm: with it, the kernel printed nothing", self.printed.getvalue())
        again = io.StringIO()
        self.assertIs(run_guest(spec, Ui(again, {})).outcome, Outcome.PASS)
        self.assertTrue(
            again.getvalue().startswith("accel: tcg (kvm: with it, the kernel printed nothing)\n")
        )

    def test_a_kernel_that_never_boots_is_not_held_against_kvm(self) -> None:
        spec = replace(self.spec("mute"), accel="auto")
        self.assertIs(run_guest(spec, Ui(self.printed, {})).outcome, Outcome.BOOT_FAIL)
        cached = json.loads((self.top / "cache/f_revoke/accel.json").read_text())
        self.assertEqual(list(cached.values()), [""])


class BreakpointTest(RunTest):
    """One that nobody set is the emulation's, unless it comes again."""

    def test_once(self) -> None:
        self.check("breakpoint_once", Outcome.PASS)
        self.assertIn("warning: int3 in zoo_null", self.printed.getvalue())

    def test_again(self) -> None:
        self.check("breakpoint", Outcome.CRASH)
        self.assertEqual(self.printed.getvalue().count("-- run plain"), 2)

    def test_other_crashes_are_not_tried_again(self) -> None:
        self.check("panic_exit", Outcome.CRASH)
        self.assertEqual(self.printed.getvalue().count("-- run plain"), 1)


class FolderTest(RunTest):
    def test_what_is_kept(self) -> None:
        folder = self.run_fake("fails").run_dir
        self.assertEqual((folder / "vmlinux").read_text(), "vmlinux")
        self.assertEqual((folder / "config").read_text(), "config")
        self.assertEqual((self.top / "runs/latest").resolve(), folder.resolve())
        result = json.loads((folder / "result.json").read_text())
        self.assertEqual(result["outcome"], "FAIL")
        self.assertEqual([suite["failed"] for suite in result["suites"]], [1, 0])
        self.assertTrue(result["complete"])

    def test_reports_for_others(self) -> None:
        for fake in ("fails", "panic", "mute", "broken"):
            tally = exchange.check(self.run_fake(fake).run_dir, Paths.of_checkout().schemas)
            self.assertEqual((tally.passed, tally.failed), (2, 0), tally.details)

    def test_two_runs_within_a_second(self) -> None:
        with mock.patch("time.strftime", return_value="20260101-000000"):
            first, second = self.run_fake("good").run_dir, self.run_fake("good").run_dir
        self.assertNotEqual(first, second)

    def test_replay(self) -> None:
        folder = self.run_fake("good").run_dir
        subprocess.run(["sh", folder / "replay.sh"], check=True, cwd="/")
        for name in ("ktap.log", "console.log"):
            self.assertEqual((folder / name).read_text(), (folder / "again" / name).read_text())

    def test_disk_is_kept_as_it_is(self) -> None:
        disk = self.top / "disk.qcow2"
        disk.write_text("userspace")
        folder = run_guest(replace(self.spec("good"), userspace=disk), Ui(self.printed, {})).run_dir
        self.assertTrue(disk.samefile(folder / "disk.qcow2"))
        command = (folder / "cmd").read_text()
        self.assertIn("snapshot=on,file=disk.qcow2", command)
        self.assertNotIn("-initrd", command)
        self.assertIn("ln -s ../vmlinux ../disk.qcow2 .", (folder / "replay.sh").read_text())


class OrphanTest(RunTest):
    def test_qemu_dies_with_its_parent(self) -> None:
        marker = f"fake=hang{os.getpid()}"
        program = (
            "import sys, pathlib; from ktlib import qemu\n"
            f"words = [{str(FAKE)!r}, '-append', 'fake=mute', {marker!r}]\n"
            f"with qemu.running(words, pathlib.Path({str(self.top)!r})) as child:\n"
            "    print(child.pid, flush=True); child.wait()\n"
        )
        scripts = Path(__file__).parents[1]
        with subprocess.Popen(
            [sys.executable, "-c", program], cwd=scripts, stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            with _killed_at_end(pid):
                time.sleep(0.3)
                parent.send_signal(signal.SIGKILL)
                parent.wait()
                self.assertTrue(_ends(pid))


@contextmanager
def _killed_at_end(pid: int) -> Iterator[None]:
    try:
        yield
    finally:
        if not _ends(pid, within_s=0.0):
            os.kill(pid, signal.SIGKILL)


def _ends(pid: int, within_s: float = 5.0) -> bool:
    """Whether the process is gone, or only waits for its parent to notice."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
