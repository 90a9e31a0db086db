# SPDX-License-Identifier: GPL-2.0
"""A page about the result.json of revoke-stress: one file, which needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

_WIDTH = 640
_ROW = 22
_LABEL = 120
_COLOURS = ("#eef3f8", "#cfdfee", "#9fc1de", "#639dc9", "#2f77ae", "#124d80")

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 60em; color: #222; }
table { border-collapse: collapse; } td, th { padding: .2em .8em; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr:nth-child(even) { background: #f5f5f5; }
pre { background: #fbeeee; padding: .8em; overflow-x: auto; } svg text { font-size: 11px; }
.ok { color: #186b2c; } .bad { color: #a3171e; }
"""


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
    size = f'width="{_WIDTH}" height="{below + 6}"'
    return f'<svg {size} xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'


def latency_table(rows: Sequence[dict[str, Any]]) -> str:
    """The same in figures."""
    lines = [
        f"<tr><td>{row['open_files']}</td><td>{row['total']}</td>"
        f"<td>{duration(2.0 ** median_bucket(row['buckets']))}</td>"
        f"<td>{duration(row['longest_ns'])}</td></tr>"
        for row in rows
    ]
    head = "<tr><th>open files, at least</th><th>removals</th><th>median below</th>"
    return f"<table>{head}<th>longest</th></tr>{''.join(lines)}</table>"


def workload_row(one: dict[str, Any]) -> str:
    """What one workload did."""
    name = html.escape(f"{one['source']}.{one['workload']}")
    if one["skipped"]:
        return f"<tr><td>{name}</td><td colspan=6>skipped: {html.escape(one['skipped'])}</td></tr>"
    races = one["races"]
    met = f"{races['overlapping']} of {races['rounds']}" if races["rounds"] else ""
    word = '<b class="bad">failed</b>' if one["violations"] else '<span class="ok">ok</span>'
    cells = (one["operations"], one["removals"], one["raced"], met, f"{one['seconds']:.1f} s", word)
    return f"<tr><td>{name}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def report(result: dict[str, Any]) -> str:
    """The whole page."""
    violations = [
        f"<h3>{html.escape(one['workload'])}</h3><pre>{html.escape(text)}</pre>"
        f"<p>History: <code>{html.escape(one['history'])}</code></p>"
        for one in result["workloads"]
        for text in one["violations"]
    ]
    verdict = "in order" if result["ok"] else "violations"
    head = "".join(
        f"<th>{word}</th>"
        for word in ("workload", "operations", "removals", "raced", "met in", "time", "")
    )
    rows = "".join(workload_row(one) for one in result["workloads"])
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in result["notes"])
    latency = result["removal_latency"]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>revoke-stress</title>
<style>{_STYLE}</style></head><body>
<h1>revoke-stress: <span class="{'ok' if result['ok'] else 'bad'}">{verdict}</span></h1>
<p>Kernel {html.escape(result['kernel'])}, seed {result['seed']},
profile {html.escape(result['profile'])}.</p><ul>{notes}</ul>
<table><tr>{head}</tr>{rows}</table>
{''.join(violations)}
<h2>How long removal took</h2>{latency_chart(latency)}{latency_table(latency)}
</body></html>
"""
