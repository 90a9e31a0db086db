# SPDX-License-Identifier: GPL-2.0
"""Boots a guest and brings its verdict home.

result.json of a run, schema 1 (times in seconds):
  profile, outcome, exit_code, reasons[], started (RFC 3339), seconds, command[]
  accel     {name, why_not_kvm, slowness}
  end       why the guest is no more (name of a qemu.VmEnd)
  complete  whether the guest said that it was done
  suites[]  {name, passed, failed, skipped, seconds}
  tests[]   {name, status, note, line}; the line is that of ktap.log
  faults[]  what is wrong with the KTAP document itself
  reports[] {kind, title, line, fingerprint, excerpt}; the line is that of console.log
junit.xml and kcidb.json say the same in the words of other systems.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ktlib import accel as accels
from ktlib import console, debian, exchange, qemu, rundir, summary
from ktlib.accel import Accel, Verdicts
from ktlib.account import Account, Provenance, times_of
from ktlib.console import Report
from ktlib.ktap import Document, Node, Parser, TestResult
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.qemu import Deadlines, Guest, VmEnd, Watch
from ktlib.summary import Crash
from ktlib.ui import Step, Ui
from ktlib.verdict import Evidence, judge

_FIRST_BYTE_S = 20.0
_SLOW_WORD = "f_revoke.slow"
# What a program says of itself while it works, as revoke-stress does.
_LIFE = re.compile(r"[ #]+(\S+: round \d+, .+)$")


@dataclass(frozen=True)
class RunSpec:
    """What to boot and how long it may take; deadlines in seconds on a machine of usual speed.
    `expect_suites` are names of KTAP suites without which a run is not whole."""

    profile: str
    provenance: Provenance
    vmlinux: Path
    userspace: Path
    config: Path
    append: str
    memory_mb: int
    cpus: int
    accel: str
    runs_dir: Path
    boot_deadline_s: float
    silence_deadline_s: float
    total_deadline_s: float
    expect_suites: tuple[str, ...]
    interactive: bool = False
    icount: bool = False


@dataclass(frozen=True)
class RunResult:
    """How it went; `reasons` is empty for a PASS; `booted` is whether init reported,
    `complete` whether it said that it was done."""

    outcome: Outcome
    run_dir: Path
    tests: tuple[TestResult, ...] = ()
    reasons: tuple[str, ...] = ()
    end: VmEnd = VmEnd.EXITED
    booted: bool = True
    complete: bool = True


def run_guest(spec: RunSpec, ui: Ui) -> RunResult:
    """Boot `spec` to its end. What goes wrong in the guest is an outcome, not an exception."""
    verdicts = Verdicts(Paths.of_checkout().cache / "accel.json")
    accel = accels.emulation() if spec.icount else accels.choose(spec.accel, verdicts)
    if spec.interactive:
        return _attend(spec, accel, ui)
    result = _run(spec, accel, ui)
    if accel.name == "tcg" and _met_stray_breakpoint(result):
        ui.warn(f"{result.reasons[0]}: the emulation's doing, as far as is known; trying once more")
        result = _run(spec, accel, ui)
    if spec.accel == "auto" and accel.name == "kvm" and not result.booted:
        fault = f"with it, {result.end.value}"
        ui.warn(f"kvm: {fault}; trying once more without it")
        result = _run(spec, accels.emulation(fault), ui)
        if result.booted:
            verdicts.keep(fault)
    return result


def _met_stray_breakpoint(result: RunResult) -> bool:
    """Whether the first thing that went wrong is a breakpoint that nobody set.

    The kernel patches its code by way of breakpoints; QEMU 7.2 emulating several CPUs at once runs
    one now and then when it is gone already: 4 of some hundreds of runs, also of a kernel without
    the series, and most often where static keys change a lot."""
    return result.outcome is Outcome.CRASH and result.reasons[0].startswith("int3 in ")


def _prepare(spec: RunSpec, accel: Accel, ui: Ui) -> tuple[Path, list[str]]:
    """The run's folder with all that is known beforehand, and the command."""
    folder = rundir.create(spec.runs_dir, spec.profile)
    userspace = rundir.keep_inputs(folder, spec.vmlinux, spec.userspace, spec.config)
    append = f"{spec.append} {_SLOW_WORD}" if accel.name == "tcg" else spec.append
    kernel = Path(rundir.KERNEL)
    guest = Guest(kernel, userspace, append, spec.memory_mb, spec.cpus, spec.icount)
    command = qemu.command(guest, accel.name, interactive=spec.interactive)
    rundir.write_command(folder, command, userspace)
    ui.line(f"accel: {accel}")
    ui.info(f"folder: {folder}")
    ui.info(f"command: {shlex.join(command)}")
    return folder, command


def _attend(spec: RunSpec, accel: Accel, ui: Ui) -> RunResult:
    folder, command = _prepare(spec, accel, ui)
    ui.info("leave with 'exit', or with Ctrl-A X whatever the guest does")
    code = qemu.attend(command, folder)
    return RunResult(Outcome.INFRA if code else Outcome.PASS, folder)


def _run(spec: RunSpec, accel: Accel, ui: Ui) -> RunResult:
    folder, command = _prepare(spec, accel, ui)
    boot = _boot(spec, accel, folder, command, ui)
    log = _read(folder / qemu.CONSOLE_LOG)
    reports = console.find_reports(log)
    evidence = Evidence(
        end=boot.end,
        spoke=bool(log),
        reported=bool(_read(folder / qemu.KTAP_LOG)),
        complaint=qemu.complaint(folder),
        reports=reports,
        document=boot.document,
        expected_suites=spec.expect_suites,
    )
    if fault := rundir.unpack_files(folder / rundir.FILES, folder / qemu.FILES_TAR):
        ui.warn(f"some files of the guest are lost: {fault}")
    verdict = judge(evidence)
    tests = boot.document.tests
    suites = summary.suites_of(tests, boot.arrival)
    record = {
        "schema": 1,
        "profile": spec.profile,
        "outcome": verdict.outcome.name,
        "exit_code": verdict.outcome.exit_code,
        "reasons": verdict.reasons,
        "started": boot.started,
        "seconds": round(boot.seconds, 1),
        "command": command,
        "accel": asdict(accel),
        "end": boot.end.name,
        "complete": boot.document.done is not None,
        "suites": [asdict(suite) for suite in suites],
        "tests": [_test_record(test) for test in tests],
        "faults": boot.document.errors,
        "reports": [asdict(report) for report in reports],
    }
    rundir.write_result(folder, record)
    account = Account(
        provenance=spec.provenance,
        profile=spec.profile,
        build=debian.sha256(folder / rundir.KERNEL),
        token=secrets.token_hex(8),
        machine=str(accel),
        started=boot.started,
        seconds=round(boot.seconds, 1),
        booted=evidence.reported,
        verdict=verdict,
        tests=tests,
        times=times_of(boot.arrival),
    )
    exchange.write(folder, account)
    summary.show(ui, folder, verdict, suites, tests, _crash(reports, spec.vmlinux))
    complete = boot.document.done is not None
    return RunResult(
        verdict.outcome, folder, tests, verdict.reasons, boot.end, evidence.reported, complete
    )


@dataclass(frozen=True)
class _Boot:
    """A guest's life: `arrival` has the second at which each result line of KTAP came."""

    end: VmEnd
    document: Document
    arrival: dict[int, float]
    started: str
    seconds: float


def _boot(spec: RunSpec, accel: Accel, folder: Path, command: list[str], ui: Ui) -> _Boot:
    deadlines = Deadlines(
        _FIRST_BYTE_S, spec.boot_deadline_s, spec.silence_deadline_s, spec.total_deadline_s
    ).scaled(accel.slowness)
    started = datetime.now().astimezone().isoformat(timespec="seconds")
    start = time.monotonic()
    with ui.step(f"run {spec.profile}") as step:
        follower = _Follower(step, ui)
        with qemu.running(command, folder) as child:
            end = Watch(child, folder, follower.take).until_end(deadlines)
        document = follower.parser.finish()
        step.result = f"{len(document.tests)} tests, {end.value}"
    return _Boot(end, document, follower.arrival, started, time.monotonic() - start)


def _crash(reports: Sequence[Report], vmlinux: Path) -> Crash | None:
    if not reports:
        return None
    return Crash(reports[0], console.for_reading(reports[0], vmlinux))


def _test_record(test: TestResult) -> dict[str, object]:
    return {"name": test.name, "status": test.status.name, "note": test.note, "line": test.line}


def _read(file: Path) -> str:
    return file.read_text("utf-8", "replace") if file.exists() else ""


class _Follower:
    """Shows how far the guest is, line by line of its results."""

    def __init__(self, step: Step, ui: Ui) -> None:
        self.parser = Parser()
        self.arrival: dict[int, float] = {}
        self._step = step
        self._ui = ui
        self._lines = 0
        self._done = 0
        self._start: float | None = None

    def take(self, line: str) -> None:
        """The next line of KTAP."""
        now = time.monotonic()
        self._start = self._start or now
        self._lines += 1
        node = self.parser.feed(line)
        if node:
            self.arrival[self._lines] = now - self._start
            self._done += not node.children
            self._tell(node)
        found = _LIFE.match(line)
        running = found[1] if found else self.parser.running
        self._step.progress(f"{self._done} done{f', now {running}' if running else ''}")

    def _tell(self, node: Node) -> None:
        is_suite = node.children and not any(child.children for child in node.children)
        if is_suite and not self._ui.tty:
            self._ui.info(f"{node.name}: {_counts(node)}")


def _counts(node: Node) -> str:
    words = [leaf.status.value for leaf in node.leaves()]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
