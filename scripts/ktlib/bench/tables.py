# SPDX-License-Identifier: GPL-2.0
"""The tables of a result, as text: for the terminal, for the page and for the notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ktlib.bench import results
from ktlib.bench.bounds import Bounds
from ktlib.bench.results import BASE, SERIES, Pair, Throughput

_PAIR = ("7.3.4", "series", "difference", "ratio")


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def markdown(self) -> str:
        """For the notes."""
        lines = [
            f"### {self.title}",
            "",
            _line(self.header),
            _line([":--", *["--:"] * (len(self.header) - 1)]),
            *(_line(row) for row in self.rows),
        ]
        return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def all_tables(result: Mapping[str, Any], bounds: Bounds) -> list[Table]:
    """Every table that the result has something for."""
    tables = [
        *_call_tables(result, bounds),
        _removal_table(result),
        Table(
            "Slab memory for each open file, bytes",
            ("", *_PAIR),
            [(target, *cells(pair)) for target, pair in results.memory(result).items()],
        ),
        Table(
            "Structures, bytes",
            ("", *_PAIR),
            [(name, *cells(pair)) for name, pair in sorted(results.structs(result).items())],
        ),
        Table(
            "Functions of vmlinux, bytes",
            ("", *_PAIR),
            [("text", *cells(Pair(result["text"][BASE], result["text"][SERIES])))],
        ),
        _scale_table(result),
    ]
    return [table for table in tables if table.rows]


def cells(pair: Pair) -> tuple[str, str, str, str]:
    """A pair, its difference and its ratio."""
    difference = "" if pair.difference is None else f"{pair.difference:+}"
    ratio = "" if pair.ratio is None else f"{pair.ratio:.3f}"
    return (_number(pair.base), _number(pair.series), difference, ratio)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _call_tables(result: Mapping[str, Any], bounds: Bounds) -> Iterator[Table]:
    found = results.calls(result)
    for title, is_plain in (
        ("Instructions of calls on files without f_revoke", True),
        ("Instructions of calls on files with f_revoke", False),
    ):
        yield Table(
            title,
            ("", "call", *_PAIR, "bound"),
            [
                (target, call, *cells(pair), verdict(bounds, target, call, pair))
                for (target, call), pair in found.items()
                if (target in bounds.plain_targets) == is_plain
            ],
        )


def verdict(bounds: Bounds, target: str, call: str, pair: Pair) -> str:
    """A word on a call and its bound."""
    limit = bounds.limit(target, call, pair.base or 0)
    if pair.series is None:
        return ""
    if limit is None:
        aim = bounds.aims.get(call)
        if aim is None or pair.ratio is None:
            return ""
        return "aim met" if pair.ratio <= aim else "aim missed"
    return "kept" if pair.series <= limit else "exceeded"


def _removal_table(result: Mapping[str, Any]) -> Table:
    rows = []
    found = results.removals(result)
    for (target, files), pair in found.items():
        slope = ("", "")
        if files:
            slope = _slope(found[target, 0], pair, files)
        rows.append((target, str(files), *cells(pair), *slope))
    return Table(
        "Instructions of removal",
        ("", "open files", *_PAIR, "7.3.4, for each file", "series, for each file"),
        rows,
    )


def _slope(none: Pair, some: Pair, files: int) -> tuple[str, str]:
    def each(zero: int | None, value: int | None) -> str:
        return "" if zero is None or value is None else f"{(value - zero) / files:.1f}"

    return each(none.base, some.base), each(none.series, some.series)


def _scale_table(result: Mapping[str, Any]) -> Table:
    found: dict[tuple[str, int], dict[str, Throughput]] = {}
    for one in results.throughput(result):
        found.setdefault((one.target, one.tasks), {})[one.kernel] = one
    rows = [
        (target, str(tasks), _speed(both[BASE]), _speed(both[SERIES]), _gain(both))
        for (target, tasks), both in found.items()
        if len(both) == 2
    ]
    title = "Thousand reads per second: median (lowest to highest)"
    return Table(title, ("", "tasks", "7.3.4", "series", "ratio"), rows)


def _speed(one: Throughput) -> str:
    median, low, high = (f"{value / 1000:.0f}" for value in (one.median, one.low, one.high))
    return f"{median} ({low} to {high})"


def _gain(both: Mapping[str, Throughput]) -> str:
    return f"{both[SERIES].median / both[BASE].median:.3f}"
