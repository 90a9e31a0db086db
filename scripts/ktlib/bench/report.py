# SPDX-License-Identifier: GPL-2.0
"""The page about a result: charts, tables, and the commands that made it."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ktlib import page
from ktlib.bench import results, tables
from ktlib.bench.bounds import Bounds
from ktlib.bench.results import Pair

_WIDTH, _LABEL, _ROW = 720, 250, 15
_BASE_COLOUR, _SERIES_COLOUR, _BAD_COLOUR = "#9fc1de", "#2f77ae", "#a3171e"
# Ratios from here to there are shown; what is beyond is cut off.
_LEAST, _MOST = 0.7, 1.3
_CHART_HEIGHT, _CHART_LEFT, _CHART_RIGHT = 260, 90, 30


def report(result: Mapping[str, Any], bounds: Bounds) -> str:
    """The whole page."""
    commands = "\n".join(html.escape(command) for command in result["commands"])
    parts = [
        "<h1>What the series costs</h1>",
        f"<p>Linux {html.escape(result['kernel'])}, {html.escape(result['compiler'])}. "
        "Instructions are those of one system call, user to user: the least of all rounds.</p>",
        "<h2>Instructions of calls, in proportion to 7.3.4</h2>",
        ratio_chart(result, bounds),
        "<h2>Removal</h2><p>7.3.4 is the paler line.</p>",
        *_removal_charts(result),
        *(_section(table) for table in tables.all_tables(result, bounds)),
        f"<p>{html.escape(result['text']['symbols'])}</p>",
        f"<h2>Commands</h2><pre>{commands}</pre>",
    ]
    return page.document("What the series costs", "\n".join(parts))


def _section(table: tables.Table) -> str:
    rows = [[html.escape(cell) for cell in row] for row in table.rows]
    return f"<h2>{html.escape(table.title)}</h2>{page.table(table.header, rows)}"


def ratio_chart(result: Mapping[str, Any], bounds: Bounds) -> str:
    """A bar for each call, from 1 to its ratio; red for those beyond their bounds."""
    parts = []
    y = 0
    for (target, call), pair in results.calls(result).items():
        if pair.ratio is None:
            continue
        bad = tables.verdict(bounds, target, call, pair) == "exceeded"
        parts.append(f'<text x="0" y="{y + 11}">{html.escape(f"{target}: {call}")}</text>')
        parts.append(_bar(pair, y, _BAD_COLOUR if bad else _SERIES_COLOUR))
        y += _ROW
    one = _at(1.0)
    parts.append(f'<line x1="{one:.1f}" x2="{one:.1f}" y1="0" y2="{y}" stroke="#222"/>')
    return page.drawing(_WIDTH, y, parts)


def _at(ratio: float) -> float:
    part = (min(max(ratio, _LEAST), _MOST) - _LEAST) / (_MOST - _LEAST)
    return _LABEL + part * (_WIDTH - _LABEL - 50)


def _bar(pair: Pair, y: int, colour: str) -> str:
    ratio = pair.ratio or 0.0
    start, end = sorted((_at(1.0), _at(ratio)))
    return (
        f'<rect x="{start:.1f}" y="{y}" width="{max(end - start, 1):.1f}" height="{_ROW - 3}" '
        f'fill="{colour}"><title>{pair.base} to {pair.series}</title></rect>'
        f'<text x="{_WIDTH - 45}" y="{y + 11}">{ratio:.3f}</text>'
    )


def _removal_charts(result: Mapping[str, Any]) -> Iterator[str]:
    found = results.removals(result)
    for target in dict.fromkeys(target for target, _ in found):
        points = [(files, pair) for (name, files), pair in found.items() if name == target]
        title = html.escape(f"Instructions of removal against open files: {target}")
        yield f"<h3>{title}</h3>{removal_chart(points)}"


def removal_chart(points: Sequence[tuple[int, Pair]]) -> str:
    """A line for each kernel, 7.3.4's the paler one; both scales are logarithmic, but for none."""
    values = [value for _, pair in points for value in (pair.base, pair.series) if value]
    low, high = math.log10(min(values)), math.log10(max(values))
    last = math.log10(max(files for files, _ in points) or 1) or 1.0

    def place(files: int, value: int) -> str:
        part = math.log10(max(files, 1) + (files > 0)) / (last + 0.1)
        x = _CHART_LEFT + part * (_WIDTH - _CHART_LEFT - _CHART_RIGHT)
        y = 10 + (high - math.log10(value)) / ((high - low) or 1.0) * (_CHART_HEIGHT - 40)
        return f"{x:.1f},{y:.1f}"

    parts = [f'<text x="0" y="{_CHART_HEIGHT - 4}">open files:</text>']
    for files, _ in points:
        x = place(files, values[0]).partition(",")[0]
        parts.append(f'<text x="{x}" y="{_CHART_HEIGHT - 4}" text-anchor="middle">{files}</text>')
    parts += [
        f'<text x="0" y="14">{max(values)}</text>',
        f'<text x="0" y="{_CHART_HEIGHT - 30}">{min(values)}</text>',
    ]
    for name, colour in (("base", _BASE_COLOUR), ("series", _SERIES_COLOUR)):
        line = " ".join(
            place(files, value)
            for files, pair in points
            if (value := getattr(pair, name)) is not None
        )
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2">'
            f"<title>{name}</title></polyline>"
        )
    return page.drawing(_WIDTH, _CHART_HEIGHT, parts)
