# SPDX-License-Identifier: GPL-2.0
"""The figures of both kernels.

result.json, schema 1; BASE and SERIES are the keys of each 'pair':
  kernel, compiler   of what was measured
  count     pair of what bench-count leaves, see harness/bench/src/count.cc
  text      pair of bytes; symbols: what bloat-o-meter says about them
  structs   pair of {name: bytes}
  scale     pair of lists of what bench-scale leaves, one for each boot
  commands  how the guests were started
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

BASE, SERIES = "base", "series"
KERNELS = (BASE, SERIES)

Key = TypeVar("Key", bound=Hashable)
Cell = tuple[str, str]
"""A target and a call."""


@dataclass(frozen=True)
class Pair:
    """A figure of both kernels; None where one does not have it."""

    base: int | None
    series: int | None

    @property
    def difference(self) -> int | None:
        """By how much the series' is larger."""
        return None if self.base is None or self.series is None else self.series - self.base

    @property
    def ratio(self) -> float | None:
        """How many times the base's that is."""
        return None if not self.base or self.series is None else self.series / self.base


def paired(figures: Callable[[str], Mapping[Key, int]]) -> dict[Key, Pair]:
    """Those of the base kernel and of the series', by their keys."""
    base, series = figures(BASE), figures(SERIES)
    return {key: Pair(base.get(key), series.get(key)) for key in {**base, **series}}


def calls(result: Mapping[str, Any]) -> dict[Cell, Pair]:
    """Instructions of each call on each target."""
    return paired(
        lambda kernel: {
            (row["target"], row["call"]): row["instructions"]
            for row in result["count"][kernel]["calls"]
        }
    )


def removals(result: Mapping[str, Any]) -> dict[tuple[str, int], Pair]:
    """Instructions of removing a target with so many open files."""
    return paired(
        lambda kernel: {
            (row["target"], row["open_files"]): row["instructions"]
            for row in result["count"][kernel]["removal"]
        }
    )


def memory(result: Mapping[str, Any]) -> dict[str, Pair]:
    """Bytes of slab memory for each open file of a target."""
    return paired(
        lambda kernel: {row["target"]: row["bytes"] for row in result["count"][kernel]["memory"]}
    )


def structs(result: Mapping[str, Any]) -> dict[str, Pair]:
    """Sizes of structures."""

    def sizes(kernel: str) -> Mapping[str, int]:
        found: Mapping[str, int] = result["structs"][kernel]
        return found

    return paired(sizes)


@dataclass(frozen=True)
class Throughput:
    """Of so many tasks on a target: the median of all rounds, the lowest and the highest."""

    target: str
    tasks: int
    kernel: str
    median: float
    low: float
    high: float


def throughput(result: Mapping[str, Any]) -> Iterator[Throughput]:
    """Reads per second, of both kernels in turn."""
    rounds: dict[tuple[str, int], dict[str, list[float]]] = {}
    for kernel in KERNELS:
        for boot in result["scale"][kernel]:
            for row in boot["rows"]:
                found = rounds.setdefault((row["target"], row["tasks"]), {BASE: [], SERIES: []})
                found[kernel].append(row["reads_per_second"])
    for (target, tasks), found in rounds.items():
        for kernel, speeds in found.items():
            if speeds:
                middle = statistics.median(speeds)
                yield Throughput(target, tasks, kernel, middle, min(speeds), max(speeds))
