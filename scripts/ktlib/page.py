# SPDX-License-Identifier: GPL-2.0
"""Pages of one file each, which need nothing else."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 60em; color: #222; }
table { border-collapse: collapse; } td, th { padding: .2em .8em; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr:nth-child(even) { background: #f5f5f5; }
pre { background: #fbeeee; padding: .8em; overflow-x: auto; } svg text { font-size: 11px; }
.ok { color: #186b2c; } .bad { color: #a3171e; }
"""


def document(title: str, body: str) -> str:
    """A whole page; `body` is HTML."""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<style>{_STYLE}</style></head><body>
{body}
</body></html>
"""


def row(cells: Iterable[object], tag: str = "td") -> str:
    """A line of a table; the cells are HTML."""
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the cells are HTML."""
    return f"<table>{row(header, 'th')}{''.join(row(cells) for cells in rows)}</table>"


def drawing(width: int, height: int, parts: Iterable[str]) -> str:
    """A picture of SVG elements."""
    size = f'width="{width}" height="{height}"'
    return f'<svg {size} xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
