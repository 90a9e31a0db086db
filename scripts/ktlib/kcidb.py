# SPDX-License-Identifier: GPL-2.0
"""A run as a submission to KCIDB, the database that kernel test labs report to.

The fields are those of version 5.3 of its format: one checkout, one build, and the tests. The test
with the empty path is the verdict on them all. Files have no address outside the machine that ran
them; excerpts of the logs take their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ktlib.account import Account
from ktlib.ktap import Status, TestResult
from ktlib.outcome import Outcome

_MAJOR, _MINOR = 5, 3
_ARCHITECTURE = "x86_64"
_MAX_EXCERPT = 16384
_ID_DIGITS = 16

_OF_TEST = {
    Status.PASS: "PASS",
    Status.XFAIL: "PASS",
    Status.SKIP: "SKIP",
    Status.FAIL: "FAIL",
    Status.TIMEOUT: "FAIL",
    Status.ERROR: "ERROR",
}
# ERROR: the tests broke off; MISS: they never had a chance.
_OF_RUN = {
    Outcome.PASS: "PASS",
    Outcome.SKIP: "SKIP",
    Outcome.FAIL: "FAIL",
    Outcome.TIMEOUT: "FAIL",
    Outcome.NO_TESTS: "ERROR",
    Outcome.LOST: "ERROR",
    Outcome.HANG: "FAIL",
    Outcome.BOOT_FAIL: "FAIL",
    Outcome.CRASH: "FAIL",
    Outcome.INFRA: "MISS",
}

Object = dict[str, Any]
"""An object of JSON."""


def submission(account: Account) -> Object:
    """All that can be said of the run."""
    return {
        "version": {"major": _MAJOR, "minor": _MINOR},
        "checkouts": [_checkout(account)],
        "builds": [_build(account)],
        "tests": list(_tests(account)),
    }


def path_of(name: str) -> str:
    """A test's name with nothing in it that a path may not have."""
    parts = (re.sub(r"[^\w-]+", "_", part, flags=re.ASCII) for part in name.split("."))
    return ".".join(part for part in parts if part)


def _checkout_id(account: Account) -> str:
    made_from = account.provenance
    patches = made_from.patchset_hash
    # Whatever was changed by hand is in the build, and in nothing else that has a name.
    mark = f"changed-{account.build}" if patches is None else patches or "unpatched"
    return f"{made_from.origin}:{made_from.release}-{mark[:_ID_DIGITS]}"


def _build_id(account: Account) -> str:
    return f"{account.provenance.origin}:{account.profile}-{account.build[:_ID_DIGITS]}"


def _checkout(account: Account) -> Object:
    made_from = account.provenance
    fields = {
        "id": _checkout_id(account),
        "origin": made_from.origin,
        "git_commit_name": made_from.release,
        "git_commit_hash": made_from.commit or None,
        "patchset_hash": made_from.patchset_hash,
        "comment": _about(account),
        "valid": True,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _about(account: Account) -> str:
    made_from = account.provenance
    part = f" up to {made_from.upto}" if made_from.upto else ""
    changed = ", with changes of its own" if made_from.patchset_hash is None else ""
    return f"f_revoke{part} on {made_from.release}{changed}"


def _build(account: Account) -> Object:
    return {
        "id": _build_id(account),
        "checkout_id": _checkout_id(account),
        "origin": account.provenance.origin,
        "architecture": _ARCHITECTURE,
        "compiler": account.provenance.compiler,
        "config_name": account.profile,
        "status": "PASS",
    }


def _tests(account: Account) -> Iterator[Object]:
    verdict = account.verdict
    yield {
        **_common(account, "verdict"),
        "path": "",
        "status": _OF_RUN[verdict.outcome],
        "comment": verdict.outcome.summary,
        "start_time": account.started,
        "duration": account.seconds,
        **_excerpt(verdict.reasons),
    }
    if verdict.outcome is not Outcome.INFRA:
        booted = "PASS" if account.booted else "FAIL"
        yield {**_common(account, "boot"), "path": "boot", "status": booted}
    for number, test in enumerate(account.tests, start=1):
        yield {**_common(account, str(number)), **_test(account, test)}


def _common(account: Account, name: str) -> Object:
    return {
        "id": f"{_build_id(account)}-{account.token}-{name}",
        "build_id": _build_id(account),
        "origin": account.provenance.origin,
        "environment": {"comment": account.machine},
    }


def _test(account: Account, test: TestResult) -> Object:
    fields: Object = {"path": path_of(test.name), "status": _OF_TEST[test.status]}
    if test.line in account.times:
        fields["duration"] = account.times[test.line]
    if test.note:
        fields["comment"] = _plain(test.note)
    if test.status is not Status.PASS:
        fields["misc"] = {"name": test.name, "result": test.status.value}
        fields |= _excerpt(test.diagnostics)
    return fields


def _excerpt(lines: tuple[str, ...]) -> Object:
    text = _plain("\n".join(lines))[-_MAX_EXCERPT:]
    return {"log_excerpt": text} if text else {}


def _plain(text: str) -> str:
    """What a guest said, without what ends a string elsewhere."""
    return text.replace("\0", "")
