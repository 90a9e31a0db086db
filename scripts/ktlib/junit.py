# SPDX-License-Identifier: GPL-2.0
"""A run as JUnit XML, which every CI system shows.

Each suite of the run's table is a <testsuite>. The last one, named f_revoke, is the verdict, which
knows more than the tests: a crash after the last of them, or that some never ran.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from collections.abc import Sequence

from ktlib.account import Account
from ktlib.ktap import Status, TestResult
from ktlib.outcome import Outcome
from ktlib.summary import groups_of

# XML has no way to write these, not even escaped.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT = {
    Status.SKIP: "skipped",
    Status.FAIL: "failure",
    Status.TIMEOUT: "failure",
    Status.ERROR: "error",
}
_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_VERDICT = "verdict"


def document(account: Account) -> str:
    """The whole file."""
    root = xml.Element("testsuites", name=f"f_revoke {account.profile}")
    for name, tests in groups_of(account.tests).items():
        root.append(_suite(account, name, [_case(account, name, test) for test in tests]))
    root.append(_suite(account, "f_revoke", [_verdict(account)]))
    for counter in ("tests", *_COUNTED.values()):
        root.set(counter, str(sum(int(suite.get(counter, "0")) for suite in root)))
    root.set("time", str(account.seconds))
    xml.indent(root)
    text = xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(account: Account, name: str, cases: Sequence[xml.Element]) -> xml.Element:
    suite = xml.Element("testsuite", name=_writable(name), timestamp=account.started)
    suite.set("tests", str(len(cases)))
    for element, counter in _COUNTED.items():
        suite.set(counter, str(sum(case.find(element) is not None for case in cases)))
    suite.set("time", str(round(sum(float(case.get("time", "0")) for case in cases), 3)))
    suite.extend(cases)
    return suite


def _case(account: Account, suite: str, test: TestResult) -> xml.Element:
    name = test.name.removeprefix(f"{suite}.")
    case = _testcase(suite, name, account.times.get(test.line, 0.0))
    if element := _ELEMENT.get(test.status):
        _add(case, element, test.note or test.status.value, test.diagnostics)
    return case


def _verdict(account: Account) -> xml.Element:
    """Its time is what the tests did not take: the boot, and the way out."""
    spent = sum(account.times.get(test.line, 0.0) for test in account.tests)
    case = _testcase("f_revoke", _VERDICT, round(max(account.seconds - spent, 0.0), 3))
    outcome = account.verdict.outcome
    if outcome is Outcome.SKIP:
        _add(case, "skipped", outcome.summary, account.verdict.reasons)
    elif outcome is Outcome.INFRA:
        _add(case, "error", outcome.summary, account.verdict.reasons)
    elif outcome is not Outcome.PASS:
        _add(case, "failure", f"{outcome.name}: {outcome.summary}", account.verdict.reasons)
    return case


def _testcase(suite: str, name: str, seconds: float) -> xml.Element:
    return xml.Element(
        "testcase", classname=_writable(suite), name=_writable(name), time=str(seconds)
    )


def _add(case: xml.Element, element: str, message: str, lines: Sequence[str]) -> None:
    child = xml.SubElement(case, element, message=_writable(message))
    child.text = _writable("\n".join(lines)) or None


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
