# SPDX-License-Identifier: GPL-2.0
"""How the series for one base differs from that for another, patch by patch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ktlib.git import Git

PAGE = "range-diff.txt"
_SIMILAR_ENOUGH = 80
"""Percent of a patch that may differ before git takes it for another one."""
_PAIR = re.compile(
    r"^( *[0-9-]+): +[0-9a-f-]+ ([=!<>]) ( *[0-9-]+): +[0-9a-f-]+ (.*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Commits:
    """Those of a series in its tree, after `base` up to `tip`."""

    git: Git
    base: str
    tip: str

    @property
    def span(self) -> str:
        """As git has it."""
        return f"{self.base}..{self.tip}"


def between(reference: Commits, other: Commits) -> str:
    """What git range-diff says, without hashes, which say nothing outside of these trees."""
    objects = reference.git.call("rev-parse", "--path-format=absolute", "--git-path", "objects")
    told = other.git.call(
        *("range-diff", "--no-color", f"--creation-factor={_SIMILAR_ENOUGH}"),
        *(reference.span, other.span),
        env={"GIT_ALTERNATE_OBJECT_DIRECTORIES": objects},
    )
    return _PAIR.sub(r"\1 \2 \3: \4", told) + "\n"
