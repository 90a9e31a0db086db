# SPDX-License-Identifier: GPL-2.0
"""What a run came to and what it was made from, for reports that leave the machine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ktlib.errors import KtError
from ktlib.ktap import TestResult
from ktlib.verdict import Verdict

DEFAULT_ORIGIN = "f_revoke"
_ORIGIN_VARIABLE = "KCIDB_ORIGIN"


@dataclass(frozen=True)
class Provenance:
    """What a kernel was made from. `origin` is the name of the lab that built and booted it,
    `release` the upstream tag, `commit` its hash ('' if unknown), `upto` where the series was cut,
    and `patchset_hash` stands for the patches, None when there are changes beside them."""

    origin: str
    release: str
    commit: str
    upto: str
    patchset_hash: str | None
    compiler: str


@dataclass(frozen=True)
class Account:
    """A run. `seconds` is all of it; `times` has those of a test under its line of ktap.log;
    `build` stands for the kernel's very bytes, `token` for this run of it."""

    provenance: Provenance
    profile: str
    build: str
    token: str
    machine: str
    started: str
    seconds: float
    booted: bool
    verdict: Verdict
    tests: tuple[TestResult, ...]
    times: Mapping[int, float]


def origin(environ: Mapping[str, str] = os.environ) -> str:
    """The lab's name: KCIDB_ORIGIN, or the project's."""
    name = environ.get(_ORIGIN_VARIABLE) or DEFAULT_ORIGIN
    if not re.fullmatch("[a-z0-9_]+", name):
        raise KtError(
            f"{_ORIGIN_VARIABLE}={name} is no name of an origin",
            hint="wanted: lower case letters, digits and '_'",
        )
    return name


def times_of(arrival: Mapping[int, float]) -> dict[int, float]:
    """How long after the one before each result came; `arrival` has the second of each line."""
    lines = sorted(arrival)
    before = dict(zip(lines, [0.0, *(arrival[line] for line in lines)]))
    return {line: round(max(arrival[line] - before[line], 0.0), 3) for line in lines}
