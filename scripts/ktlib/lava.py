# SPDX-License-Identifier: GPL-2.0
"""Jobs for LAVA, which hands a machine of a test lab to `make run`, and the way of results back.

A job is .ci/lava-job.yaml.in filled in; the test that it names is .ci/lava-test.yaml, out of a
clone of this repository that LAVA makes, so both are of the same commit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from string import Template

from ktlib import proc
from ktlib.errors import KtError
from ktlib.exchange import KCIDB_FILE
from ktlib.git import Git
from ktlib.scenarios import Profile

_TEMPLATE = Path(".ci/lava-job.yaml.in")
# For packages, source and build; deadlines of the guest are stretched on a machine without KVM.
_BUILD_MINUTES = 90
_SLOWNESS = 3

_RESULTS = {"PASS": "pass", "DONE": "pass", "FAIL": "fail", "ERROR": "fail", "SKIP": "skip"}
_NO_RESULT = "unknown"

Report = Callable[[str, str], None]
"""Takes the name of a test case and its result."""


def jobs(top: Path, profiles: dict[str, Profile], repository: str) -> dict[str, str]:
    """A job for each profile by name: it tests the commit that is checked out in `top`."""
    git = Git(top)
    address = repository or git.attempt("remote", "get-url", "origin").stdout.strip()
    if not re.match(r"\w+://|\w+@", address):
        raise KtError(
            f"'{address}' is no address that a lab can clone from",
            hint="make lava REPOSITORY=<address of this repository>",
        )
    template = Template((top / _TEMPLATE).read_text("utf-8"))
    return {
        name: template.substitute(
            profile=name,
            minutes=_minutes(profile),
            repository=address,
            revision=git.call("rev-parse", "HEAD"),
        )
        for name, profile in profiles.items()
    }


def _minutes(profile: Profile) -> int:
    return _BUILD_MINUTES + _SLOWNESS * round(profile.total_deadline_s / 60)


def tell_server(case: str, result: str) -> None:
    """By the program that LAVA puts in the machine."""
    proc.output(["lava-test-case", case, "--result", result])


def report(run: Path, tell: Report = tell_server) -> int:
    """Tell the results of a run, test by test; how many there were."""
    file = run / KCIDB_FILE
    if not file.is_file():
        raise KtError(f"{run} has no {KCIDB_FILE}", hint="it came to no boot: see its log")
    tests = json.loads(file.read_text("utf-8"))["tests"]
    for test in tests:
        tell(test["path"] or "verdict", _RESULTS.get(test["status"], _NO_RESULT))
    return len(tests)
