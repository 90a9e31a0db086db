# SPDX-License-Identifier: GPL-2.0
"""The stress program on the host: built, and tested under each sanitizer. For guests see stress."""

from __future__ import annotations

import re
from pathlib import Path

from ktlib import proc
from ktlib.paths import Paths
from ktlib.tally import Tally
from ktlib.ui import Ui

SANITIZERS = ("address", "thread")

_SKIPPED = 4
_MISSING = "SKIP /dev/test_revoke: "
_RAN = re.compile(r"^\[==========\] (\d+) tests? from \d+ test suites? ran\.", re.MULTILINE)
_FAILED = re.compile(r"^\[  FAILED  \] (\S+)(?: \(|, where)", re.MULTILINE)
_REPORT = re.compile(r"^SUMMARY: \w+Sanitizer: (.+)$|^\S+: runtime error: .+$", re.MULTILINE)


def check(paths: Paths, ui: Ui) -> Tally:
    """Build it, run its tests, and start it where there is nothing to test."""
    out = paths.out / "harness"
    tally = Tally()
    with ui.step("build the stress program") as step:
        command = ["make", "--silent", "-j2", "-C", str(paths.top / "harness"), f"O={out}"]
        log = out / "build.log"
        log.unlink(missing_ok=True)
        code = proc.follow(command, log=log, on_line=step.progress)
    words = "" if code == 0 else "\n".join(log.read_text("utf-8").splitlines()[-20:])
    tally.add("build", words)
    if code != 0:
        return tally
    for sanitizer in SANITIZERS:
        with ui.step(f"test it with the {sanitizer} sanitizer"):
            done = proc.capture([out / f"{sanitizer}-tests", "--gtest_brief=0"])
        tally = Tally.sum([tally, judge(sanitizer, done.stdout + done.stderr, done.returncode)])
    tally.add("start without the module", _start(out / "revoke-stress"))
    return tally


def judge(name: str, output: str, code: int) -> Tally:
    """Every test counts; so does that the program came to its end without a report."""
    tally = Tally()
    ran = _RAN.search(output)
    failed = sorted(set(_FAILED.findall(output)))
    tally.passed = max(int(ran[1]) - len(failed), 0) if ran else 0
    for test in failed:
        tally.add(f"{name}: {test}", "failed")
    complaint = "" if ran else "did not come to its end"
    if report := _REPORT.search(output):
        complaint = report[0]
    if not complaint and code != 0 and not failed:
        complaint = f"exit code {code}"
    tally.add(f"{name}: sanitizer", complaint and f"{complaint}\n{_end(output)}")
    return tally


def _end(output: str) -> str:
    return "\n".join(output.splitlines()[-30:])


def _start(program: Path) -> str:
    """Without the module it says so in one line, and is a kselftest that is skipped."""
    done = proc.capture([program])
    if done.returncode == _SKIPPED and _MISSING in done.stdout and done.stdout.count("\n") == 1:
        return ""
    if Path("/dev/test_revoke").exists():
        return ""
    return f"exit code {done.returncode}, {done.stdout!r}{done.stderr}"
