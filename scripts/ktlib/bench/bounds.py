# SPDX-License-Identifier: GPL-2.0
"""What the figures are held against: the bounds of the design, and a baseline."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ktlib.bench import results
from ktlib.bench.results import Pair
from ktlib.errors import KtError
from ktlib.tally import Tally


REMOVAL = "removal"
"""In the place of a call: that of a target with no file open."""


@dataclass(frozen=True)
class Exemption:
    """A cell that is allowed more, and why: so many instructions beyond the base's."""

    instructions: int
    reason: str


@dataclass(frozen=True)
class Bounds:
    """See harness/bench/bounds.toml."""

    plain_targets: frozenset[str]
    plain_instructions: int
    plain_ratio: float
    methods: Mapping[str, int]
    converted_calls: frozenset[str]
    converted_ratio: float
    removal_ratio: float
    aims: Mapping[str, float]
    exemptions: Mapping[tuple[str, str], Exemption]

    def limit(self, target: str, call: str, base: int) -> int | None:
        """The most instructions that a call or REMOVAL may take, None if it may take any number."""
        if (target, call) in self.exemptions:
            return base + self.exemptions[target, call].instructions
        if call == REMOVAL:
            return math.floor(base * self.removal_ratio)
        if target in self.plain_targets:
            more = self.plain_instructions * self.methods.get(call, 1)
            return max(base + more, math.floor(base * self.plain_ratio))
        if call in self.converted_calls:
            return math.floor(base * self.converted_ratio)
        return None


def load(file: Path) -> Bounds:
    """Read them."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
        plain, converted = table["plain"], table["converted"]
        return Bounds(
            plain_targets=frozenset(plain["targets"]),
            plain_instructions=int(plain["instructions"]),
            plain_ratio=float(plain["ratio"]),
            methods=dict(plain["methods"]),
            converted_calls=frozenset(converted["calls"]),
            converted_ratio=float(converted["ratio"]),
            removal_ratio=float(table["removal"]["ratio"]),
            aims=dict(table["aims"]),
            exemptions={
                (target, call): Exemption(int(instructions), row["reason"])
                for row in table.get("exemption", [])
                for target in row["targets"]
                for call, instructions in row["calls"].items()
            },
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise KtError(f"{file}: {error}", hint="the fields are described in that file") from error


def within(pair: Pair, limit: int | None) -> str:
    """What is wrong with a figure, '' if nothing is."""
    if pair.base is None or pair.series is None:
        return "only one kernel has it"
    if limit is not None and pair.series > limit:
        return f"{pair.series} instructions, {limit} allowed, {pair.base} without the series"
    return ""


def check(result: Mapping[str, Any], bounds: Bounds) -> Tally:
    """Hold the figures against the bounds; what has none is not counted."""
    tally = Tally()
    for (target, call), pair in results.calls(result).items():
        limit = bounds.limit(target, call, pair.base or 0)
        if limit is not None or pair.difference is None:
            tally.add(f"{target}, {call}", within(pair, limit))
    for (target, files), pair in results.removals(result).items():
        limit = None if files else bounds.limit(target, REMOVAL, pair.base or 0)
        if limit is not None or pair.difference is None:
            tally.add(removal_name(target, files), within(pair, limit))
    return tally


def baseline(result: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a result, to notice later that something got worse."""
    return {
        "kernel": result["kernel"],
        "compiler": result["compiler"],
        "calls": [
            {"target": target, "call": call, "base": pair.base, "series": pair.series}
            for (target, call), pair in results.calls(result).items()
        ],
        "removal": [
            {"target": target, "open_files": files, "base": pair.base, "series": pair.series}
            for (target, files), pair in results.removals(result).items()
        ],
    }


def save_baseline(result: Mapping[str, Any], file: Path) -> None:
    """Have later results compared with this one."""
    file.write_text(json.dumps(baseline(result), indent=1) + "\n", "utf-8")


def load_baseline(file: Path) -> dict[str, Any]:
    """What save_baseline() wrote."""
    try:
        kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise KtError(f"{file}: {error.strerror}", hint="kt bench --save-baseline") from error
    return kept


def compare(result: Mapping[str, Any], kept: Mapping[str, Any]) -> Tally:
    """Nothing costs more, above the base kernel, than it did when the baseline was saved."""
    tally = Tally()
    before, now = _by_name(kept), _by_name(baseline(result))
    for name, pair in now.items():
        tally.add(name, _worse(before.get(name), pair))
    for name in sorted(before.keys() - now.keys()):
        tally.add(name, "the baseline has it, the result does not")
    return tally


def _by_name(kept: Mapping[str, Any]) -> dict[str, Pair]:
    named = [(f"{row['target']}, {row['call']}", row) for row in kept["calls"]]
    named += [(removal_name(row["target"], row["open_files"]), row) for row in kept["removal"]]
    return {name: Pair(row["base"], row["series"]) for name, row in named}


def removal_name(target: str, files: int) -> str:
    """For messages."""
    return f"{target}, removal with {files} open files"


def _worse(before: Pair | None, now: Pair) -> str:
    if before is None:
        return "not in the baseline: kt bench --save-baseline"
    if now.difference is None or before.difference is None:
        return "only one kernel has it"
    if now.difference > before.difference:
        return f"{now.difference:+} instructions, {before.difference:+} in the baseline"
    return ""
