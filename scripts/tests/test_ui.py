# SPDX-License-Identifier: GPL-2.0
"""What is printed, on a terminal and elsewhere."""

import io
import re
import unittest
from unittest import mock

from ktlib.errors import KtError
from ktlib.ui import Ui


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class UiTest(unittest.TestCase):
    def test_plain_step(self) -> None:
        stream = io.StringIO()
        with Ui(stream, {}).step("build") as step:
            step.progress("too early to be shown")
            step.result = "12 files"
        self.assertRegex(stream.getvalue(), r"^-- build\nok build: 12 files \(0\.\d s\)\n$")

    def test_plain_step_reports_now_and_then(self) -> None:
        stream = io.StringIO()
        with mock.patch("time.monotonic", side_effect=[0.0, 31.0, 31.0, 40.0, 41.0]):
            with Ui(stream, {}).step("build") as step:
                step.progress("half")
                step.progress("too soon")
        self.assertIn("   build: half (31 s)\n", stream.getvalue())
        self.assertNotIn("too soon", stream.getvalue())

    def test_failed_step(self) -> None:
        stream = io.StringIO()
        with self.assertRaises(KtError), Ui(stream, {}).step("build"):
            raise KtError("no")
        self.assertRegex(stream.getvalue(), r"!! build: failed after 0\.\d s\n$")

    def test_colour_needs_terminal_and_consent(self) -> None:
        self.assertEqual(Ui(Terminal(), {}).paint("x", "red"), "\x1b[31mx\x1b[0m")
        unwilling: list[tuple[io.StringIO, dict[str, str]]] = [
            (io.StringIO(), {}),
            (Terminal(), {"NO_COLOR": "1"}),
            (Terminal(), {"TERM": "dumb"}),
        ]
        for stream, environ in unwilling:
            self.assertEqual(Ui(stream, environ).paint("x", "red"), "x")

    def test_live_line_is_replaced(self) -> None:
        stream = Terminal()
        ui = Ui(stream, {"NO_COLOR": "1"})
        ui.live("working")
        ui.line("done")
        self.assertEqual(re.split(r"\r\x1b\[K", stream.getvalue()), ["", "working", "done\n"])

    def test_table(self) -> None:
        stream = io.StringIO()
        Ui(stream, {}).table(("suite", "passed"), [("proc_io", "12"), ("x", "1.5")])
        self.assertEqual(stream.getvalue(), "suite    passed\nproc_io      12\nx           1.5\n")
