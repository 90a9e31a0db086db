# SPDX-License-Identifier: GPL-2.0
"""From what a guest left behind to the one outcome of its run. No file is read here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ktlib.console import Report
from ktlib.ktap import Document, Status, TestResult
from ktlib.outcome import Outcome
from ktlib.qemu import VmEnd

_END_WITHOUT_TOKEN = {
    VmEnd.EXITED: Outcome.LOST,
    VmEnd.ABORTED: Outcome.LOST,
    VmEnd.PANICKED: Outcome.LOST,
    VmEnd.NO_CONSOLE: Outcome.BOOT_FAIL,
    VmEnd.NO_BOOT: Outcome.BOOT_FAIL,
    VmEnd.SILENT: Outcome.HANG,
    VmEnd.FLOOD: Outcome.HANG,
    VmEnd.OVERTIME: Outcome.TIMEOUT,
}


@dataclass(frozen=True)
class Evidence:
    """All that a verdict rests on. `spoke` is whether the console has a single byte, `reported`
    whether the port has; `complaint` what QEMU itself said."""

    end: VmEnd
    spoke: bool
    reported: bool
    complaint: str
    reports: Sequence[Report]
    document: Document
    expected_suites: Sequence[str]


@dataclass(frozen=True)
class Verdict:
    """The outcome, and why in words; one line per reason, the weightiest first."""

    outcome: Outcome
    reasons: tuple[str, ...]


def judge(evidence: Evidence) -> Verdict:
    """The worst of what the evidence shows: a crash outranks a failed test."""
    findings = [*_of_machine(evidence), *_of_console(evidence), *_of_tests(evidence)]
    if evidence.document.done is not None:
        findings += _of_whole(evidence)
    findings.sort(key=lambda finding: finding[0].severity, reverse=True)
    outcome = findings[0][0] if findings else Outcome.PASS
    return Verdict(outcome, tuple(reason for _, reason in findings))


Finding = tuple[Outcome, str]


def _of_machine(evidence: Evidence) -> list[Finding]:
    end = evidence.end
    if end is VmEnd.ABORTED and not evidence.spoke:
        return [(Outcome.INFRA, f"{end.value}: {evidence.complaint or 'it gave no reason'}")]
    if evidence.document.done is not None and end is VmEnd.EXITED:
        return []
    if end in (VmEnd.EXITED, VmEnd.ABORTED) and not evidence.reported:
        return [(Outcome.BOOT_FAIL, f"{end.value} before init reported")]
    text = end.value
    if evidence.document.done is not None:
        text += " after the tests were done"
    if end is VmEnd.ABORTED and evidence.complaint:
        text += f": {evidence.complaint}"
    return [(_END_WITHOUT_TOKEN[end], text)]


def _of_console(evidence: Evidence) -> list[Finding]:
    titles = dict.fromkeys(report.title for report in evidence.reports)
    return [(Outcome.CRASH, title) for title in titles]


def _of_tests(evidence: Evidence) -> list[Finding]:
    if not evidence.reported:
        return []
    tests = evidence.document.tests
    findings = [(Outcome.FAIL, f"results, {error}") for error in evidence.document.errors]
    for test in tests:
        if test.status.is_bad:
            outcome = Outcome.TIMEOUT if test.status is Status.TIMEOUT else Outcome.FAIL
            findings.append((outcome, f"{test.name} {test.status.value}"))
    return findings


def _of_whole(evidence: Evidence) -> list[Finding]:
    """What only a complete document can be blamed for."""
    tests = evidence.document.tests
    if not tests:
        return [(Outcome.NO_TESTS, "not a single test ran")]
    findings: list[Finding] = []
    for suite in evidence.expected_suites:
        members = [test for test in tests if _belongs(test, suite)]
        if not members:
            findings.append((Outcome.FAIL, f"the suite {suite} did not run"))
        elif all(test.status is Status.SKIP for test in members):
            findings.append((Outcome.SKIP, f"all of {suite} was skipped: {members[0].note}"))
    if not findings and all(test.status is Status.SKIP for test in tests):
        findings.append((Outcome.SKIP, "every test was skipped"))
    return findings


def _belongs(test: TestResult, suite: str) -> bool:
    return test.name == suite or test.name.startswith(f"{suite}.")
