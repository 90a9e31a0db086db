# SPDX-License-Identifier: GPL-2.0
"""A page about the result.json of revoke-stress: one file, which needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from ktlib import page

_WIDTH = 640
_ROW = 22
_LABEL = 120
_COLOURS = ("#eef3f8", "#cfdfee", "#9fc1de", "#639dc9", "#2f77ae", "#124d80")


def duration(nanoseconds: float) -> str:
    """With the unit that keeps it short."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def median_bucket(buckets: Sequence[int]) -> int:
    """Index of the bucket in which the middle one is."""
    half, seen = sum(buckets) / 2, 0
    for index, count in enumerate(buckets):
        seen += count
        if seen >= half:
            return index
    return 0


def latency_chart(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each number of open files; the darker a bucket, the more removals were in it."""
    used = [i for row in rows for i, count in enumerate(row["buckets"]) if count]
    if not used:
        return "<p>Nothing was removed.</p>"
    first, last = min(used), max(used)
    cell = (_WIDTH - _LABEL) / (last - first + 1)
    parts = []
    for line, row in enumerate(rows):
        most = max(row["buckets"])
        y = line * _ROW
        parts.append(f'<text x="0" y="{y + 15}">{row["open_files"]}+ open</text>')
        for i in range(first, last + 1):
            count = row["buckets"][i]
            shade = 0 if not count else 1 + (len(_COLOURS) - 2) * count // most
            tip = f"{count} below {duration(2.0**i)}"
            parts.append(
                f'<rect x="{_LABEL + (i - first) * cell:.1f}" y="{y}" width="{cell - 1:.1f}" '
                f'height="{_ROW - 2}" fill="{_COLOURS[shade]}"><title>{tip}</title></rect>'
            )
    below = len(rows) * _ROW + 14
    for i in range(first, last + 1, 4):
        x = _LABEL + (i - first) * cell
        parts.append(f'<text x="{x:.1f}" y="{below}">{duration(2.0**i)}</text>')
    return page.drawing(_WIDTH, below + 6, parts)


def latency_table(rows: Sequence[dict[str, Any]]) -> str:
    """The same in figures."""
    head = ("open files, at least", "removals", "median below", "longest")
    lines = [
        (
            row["open_files"],
            row["total"],
            duration(2.0 ** median_bucket(row["buckets"])),
            duration(row["longest_ns"]),
        )
        for row in rows
    ]
    return page.table(head, lines)


def workload_row(one: dict[str, Any]) -> str:
    """What one workload did."""
    name = html.escape(f"{one['source']}.{one['workload']}")
    if one["skipped"]:
        return f"<tr><td>{name}</td><td colspan=6>skipped: {html.escape(one['skipped'])}</td></tr>"
    races = one["races"]
    met = f"{races['overlapping']} of {races['rounds']}" if races["rounds"] else ""
    word = '<b class="bad">failed</b>' if one["violations"] else '<span class="ok">ok</span>'
    counts = (one["operations"], one["removals"], one["raced"], met)
    return page.row((name, *counts, f"{one['seconds']:.1f} s", word))


def report(result: dict[str, Any]) -> str:
    """The whole page."""
    violations = [
        f"<h3>{html.escape(one['workload'])}</h3><pre>{html.escape(text)}</pre>"
        f"<p>History: <code>{html.escape(one['history'])}</code></p>"
        for one in result["workloads"]
        for text in one["violations"]
    ]
    verdict = "in order" if result["ok"] else "violations"
    header = page.row(("workload", "operations", "removals", "raced", "met in", "time", ""), "th")
    rows = "".join(workload_row(one) for one in result["workloads"])
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in result["notes"])
    latency = result["removal_latency"]
    colour = "ok" if result["ok"] else "bad"
    body = f"""<h1>revoke-stress: <span class="{colour}">{verdict}</span></h1>
<p>Kernel {html.escape(result['kernel'])}, seed {result['seed']},
profile {html.escape(result['profile'])}.</p><ul>{notes}</ul>
<table>{header}{rows}</table>
{''.join(violations)}
<h2>How long removal took</h2>{latency_chart(latency)}{latency_table(latency)}"""
    return page.document("revoke-stress", body)
