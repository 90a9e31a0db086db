# SPDX-License-Identifier: GPL-2.0
"""What the user sees: steps with progress, notes, warnings, tables.

On a terminal a running step is one live line; elsewhere every step is a plain line with the
seconds it took, and a slow one reports now and then. Colour needs a terminal and no NO_COLOR.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}
_LIVE_INTERVAL_S = 0.1
_PLAIN_INTERVAL_S = 30.0


class Step:
    """A running step; `progress` tells how far it is."""

    def __init__(self, ui: Ui, title: str) -> None:
        self._ui = ui
        self._title = title
        self._start = time.monotonic()
        self._shown = self._start
        self.result = ""

    @property
    def elapsed_s(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._start

    def progress(self, text: str) -> None:
        """Say how far the step is; cheap enough to be called for every line of a build."""
        now = time.monotonic()
        interval = _LIVE_INTERVAL_S if self._ui.tty else _PLAIN_INTERVAL_S
        if now - self._shown < interval:
            return
        self._shown = now
        line = f"{self._title}: {text} ({self.elapsed_s:.0f} s)"
        if self._ui.tty:
            self._ui.live(line)
        else:
            self._ui.line(f"   {line}")


class Ui:
    """Everything that kt prints goes through one of these."""

    def __init__(
        self, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._stream = stream or sys.stdout
        self.tty = self._stream.isatty() and environ.get("TERM") != "dumb"
        self.colour = self.tty and not environ.get("NO_COLOR")

    def paint(self, text: str, colour: str) -> str:
        """`text` in one of red, green, yellow, bold, dim, where colour is wanted."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def line(self, text: str = "") -> None:
        """One line as it is."""
        clear = "\r\x1b[K" if self.tty else ""
        self._stream.write(f"{clear}{text}\n")
        self._stream.flush()

    def live(self, text: str) -> None:
        """Replace the live line; does nothing where there is no terminal."""
        if not self.tty:
            return
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r\x1b[K{text[:width]}")
        self._stream.flush()

    def info(self, text: str) -> None:
        """A note that belongs to what is being done."""
        self.line(f"   {text}")

    def warn(self, text: str) -> None:
        """Something the user should know, which does not stop us."""
        self.line(self.paint(f"warning: {text}", "yellow"))

    def banner(self, title: str) -> None:
        """The headline of a gate."""
        self.line(self.paint(f"== {title}", "bold"))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their widest cell; numbers to the right."""
        cells = [list(header), *[list(row) for row in rows]]
        widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
        for number, row in enumerate(cells):
            text = "  ".join(_aligned(cell, width) for cell, width in zip(row, widths))
            self.line(self.paint(text.rstrip(), "bold") if number == 0 else text.rstrip())

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step of the work: announced, followed, and closed with the seconds it took."""
        step = Step(self, title)
        if self.tty:
            self.live(f"{title} ...")
        else:
            self.line(f"-- {title}")
        try:
            yield step
        except BaseException:
            self.line(f"{self.paint('!!', 'red')} {title}: failed after {step.elapsed_s:.1f} s")
            raise
        result = f": {step.result}" if step.result else ""
        self.line(f"{self.paint('ok', 'green')} {title}{result} ({step.elapsed_s:.1f} s)")


def _aligned(cell: str, width: int) -> str:
    is_number = cell.replace(".", "", 1).isdigit()
    return cell.rjust(width) if is_number else cell.ljust(width)
