# SPDX-License-Identifier: GPL-2.0
"""What the series costs: the bounds notice, the tables say, the page is whole."""

import io
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any

from ktlib import qemu
from ktlib.bench import bounds, measure, report, results, sizes, tables
from ktlib.bench.results import BASE, SERIES, Pair
from ktlib.errors import KtError
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.run import RunResult
from ktlib.ui import Ui
from tests.html_tags import Tags

BOUNDS = bounds.load(Paths.of_checkout().bench / "bounds.toml")


def counts(*cells: tuple[str, str, int], removal: int = 5000) -> dict[str, Any]:
    """What bench-count leaves."""
    return {
        "calls": [
            {"target": target, "call": call, "instructions": count} for target, call, count in cells
        ],
        "removal": [
            {"target": "procfs", "open_files": files, "instructions": removal + 7 * files}
            for files in (0, 1, 10)
        ],
        "memory": [{"target": "procfs", "bytes": 320}],
    }


def result(base: dict[str, Any], series: dict[str, Any]) -> dict[str, Any]:
    """A result of both."""
    row = {"target": "<procfs>", "tasks": 2, "reads_per_second": 50000.0}
    return {
        "schema": 1,
        "kernel": "7.3.4",
        "compiler": "gcc <12>",
        "count": {BASE: base, SERIES: series},
        "text": {BASE: 1000, SERIES: 1100, "symbols": "add/remove: 1/0"},
        "structs": {BASE: {"file": 176}, SERIES: {"file": 184, "revoke_file": 80}},
        "scale": {BASE: [{"rows": [row]}], SERIES: [{"rows": [row]}, {"rows": [row]}]},
        "commands": ["base: qemu -append 'a <b>'"],
    }


def one(target: str, call: str, base: int, series: int) -> dict[str, Any]:
    """A result of one call."""
    return result(counts((target, call, base)), counts((target, call, series)))


class BoundsTest(unittest.TestCase):
    def complaint(self, target: str, call: str, base: int, series: int) -> bool:
        return bounds.check(one(target, call, base, series), BOUNDS).failed > 0

    def test_plain_files_may_pay_three_instructions(self) -> None:
        self.assertFalse(self.complaint("pipe", "read", 250, 253))
        self.assertTrue(self.complaint("pipe", "read", 250, 254))

    def test_or_a_hundredth_where_that_is_more(self) -> None:
        self.assertFalse(self.complaint("pipe", "read", 1000, 1010))
        self.assertTrue(self.complaint("pipe", "read", 1000, 1011))

    def test_for_each_method(self) -> None:
        self.assertFalse(self.complaint("pipe", "open, close", 300, 309))
        self.assertTrue(self.complaint("pipe", "open, close", 300, 310))
        self.assertTrue(self.complaint("none", "getppid", 90, 91))

    def test_converted_files_pay_nothing(self) -> None:
        self.assertFalse(self.complaint("debugfs full", "read", 500, 500))
        self.assertTrue(self.complaint("debugfs full", "read", 500, 501))

    def test_but_for_what_is_not_bounded(self) -> None:
        self.assertFalse(self.complaint("debugfs full", "open, close", 500, 900))

    def test_removal_without_files(self) -> None:
        worse = result(counts(), counts(removal=5001))
        self.assertEqual(bounds.check(worse, BOUNDS).failed, 1)
        self.assertEqual(bounds.check(result(counts(), counts()), BOUNDS).failed, 0)

    def test_a_call_that_only_one_kernel_has(self) -> None:
        self.assertEqual(bounds.check(result(counts(("a", "b", 1)), counts()), BOUNDS).failed, 1)

    def test_exemption(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bounds.toml"
            text = (Paths.of_checkout().bench / "bounds.toml").read_text("utf-8")
            more = 'targets = ["pipe"]\ncalls = { read = 9 }\nreason = "why"\n'
            file.write_text(f"{text}\n[[exemption]]\n{more}")
            found = bounds.load(file)
        self.assertEqual(bounds.check(one("pipe", "read", 250, 259), found).failed, 0)
        self.assertEqual(bounds.check(one("pipe", "read", 250, 260), found).failed, 1)

    def test_exemption_of_a_removal(self) -> None:
        more = bounds.Exemption(9, "why")
        found = replace(BOUNDS, exemptions={("procfs", bounds.REMOVAL): more})
        self.assertEqual(bounds.check(result(counts(), counts(removal=5009)), found).failed, 0)
        self.assertEqual(bounds.check(result(counts(), counts(removal=5010)), found).failed, 1)

    def test_file_that_lacks_something(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bounds.toml"
            file.write_text("[plain]\n")
            self.assertRaises(KtError, bounds.load, file)


class BaselineTest(unittest.TestCase):
    def setUp(self) -> None:
        self.kept = bounds.baseline(one("pipe", "read", 250, 252))

    def test_the_same(self) -> None:
        self.assertEqual(bounds.compare(one("pipe", "read", 250, 252), self.kept).failed, 0)

    def test_is_about_the_difference(self) -> None:
        self.assertEqual(bounds.compare(one("pipe", "read", 240, 242), self.kept).failed, 0)
        self.assertEqual(bounds.compare(one("pipe", "read", 240, 243), self.kept).failed, 1)

    def test_removal_counts(self) -> None:
        cell = ("pipe", "read", 250)
        worse = result(counts(cell), counts(("pipe", "read", 252), removal=5001))
        self.assertEqual(bounds.compare(worse, self.kept).failed, 3)

    def test_calls_that_come_and_go(self) -> None:
        self.assertEqual(bounds.compare(one("pipe", "write", 250, 252), self.kept).failed, 2)

    def test_survives_a_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "baseline.json"
            bounds.save_baseline(one("pipe", "read", 250, 252), file)
            self.assertEqual(bounds.load_baseline(file), self.kept)
            self.assertRaises(KtError, bounds.load_baseline, file.with_name("other"))


class SizesTest(unittest.TestCase):
    def test_pahole(self) -> None:
        text = (
            "struct file {\n\tint a; /* 0 4 */\n\n\t/* size: 176, cachelines: 3 */\n};\n"
            "struct revoke {\n\tunion {\n\t\tint b;\n\t}; /* 0 4 */\n\n"
            "\t/* size: 8, cachelines: 1 */\n};\n"
        )
        self.assertEqual(sizes.parse_pahole(text), {"file": 176, "revoke": 8})

    def test_bloat_o_meter(self) -> None:
        text = (
            "add/remove: 2/1 grow/shrink: 0/0\nFunction old new\nTotal: Before=10, After=12, chg\n"
        )
        found = {BASE: 10, SERIES: 12, "symbols": "add/remove: 2/1 grow/shrink: 0/0"}
        self.assertEqual(sizes.parse_bloat(text), found)
        self.assertRaises(KtError, sizes.parse_bloat, "nm: no such file")


class TablesTest(unittest.TestCase):
    def test_pairs(self) -> None:
        self.assertEqual(tables.cells(Pair(200, 210)), ("200", "210", "+10", "1.050"))
        self.assertEqual(tables.cells(Pair(None, 80)), ("", "80", "", ""))

    def test_verdicts(self) -> None:
        def verdict(target: str, call: str, base: int, series: int) -> str:
            return tables.verdict(BOUNDS, target, call, Pair(base, series))

        self.assertEqual(verdict("pipe", "read", 250, 253), "kept")
        self.assertEqual(verdict("pipe", "read", 250, 254), "exceeded")
        self.assertEqual(verdict("procfs", "open, close", 900, 900), "aim met")
        self.assertEqual(verdict("procfs", "open, close", 900, 901), "aim missed")
        self.assertEqual(verdict("procfs", "ioctl", 900, 901), "")

    def test_slope_of_removal(self) -> None:
        found = tables.all_tables(result(counts(), counts()), BOUNDS)
        rows = next(table for table in found if table.title.startswith("Instructions of rem")).rows
        self.assertEqual(rows[2][-2:], ("7.0", "7.0"))

    def test_throughput_is_the_median_of_all_boots(self) -> None:
        changed = result(counts(), counts())
        changed["scale"][SERIES] = [
            {"rows": [{"target": "a", "tasks": 1, "reads_per_second": speed}]}
            for speed in (1.0, 5.0, 3.0)
        ]
        found = [one for one in results.throughput(changed) if one.target == "a"]
        self.assertEqual([(one.median, one.low, one.high) for one in found], [(3.0, 1.0, 5.0)])

    def test_markdown(self) -> None:
        table = tables.Table("Title", ("", "x"), [("a", "1")])
        self.assertEqual(table.markdown, "### Title\n\n|  | x |\n| :-- | --: |\n| a | 1 |\n")


class ReportTest(unittest.TestCase):
    def test_is_whole_and_needs_no_network(self) -> None:
        page = report.report(one("<pipe>", "read", 250, 400), BOUNDS)
        tags = Tags()
        tags.feed(page)
        self.assertEqual(tags.open, [])
        self.assertNotRegex(page, r"(?i)\b(src|href|url|import)\b")
        for words in ("&lt;pipe&gt;: read", "gcc &lt;12&gt;", "qemu -append", "<polyline"):
            self.assertIn(words, page)

    def test_bars_beyond_a_bound_are_red(self) -> None:
        good, bad = one("pipe", "read", 250, 253), one("pipe", "read", 250, 254)
        self.assertNotIn("#a3171e", report.ratio_chart(good, BOUNDS))
        self.assertIn("#a3171e", report.ratio_chart(bad, BOUNDS))


class MeasureTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.booted: list[tuple[str, str]] = []
        self.ui = Ui(io.StringIO())

    def boot(self, kernel: str, profile: str) -> RunResult:
        self.booted.append((kernel, profile))
        (self.folder / "cmd").write_text("qemu\n")
        files = self.folder / "files"
        files.mkdir(exist_ok=True)
        (files / "count.json").write_text("{}")
        (files / "scale.json").write_text('{"rows": []}')
        return RunResult(Outcome.PASS, self.folder)

    def test_kernels_take_turns(self) -> None:
        found = measure.Measurement(self.boot, self.ui).speeds(2)
        self.assertEqual(self.booted, [(BASE, measure.SCALE), (SERIES, measure.SCALE)] * 2)
        self.assertEqual({name: len(boots) for name, boots in found.items()}, {BASE: 2, SERIES: 2})

    def test_commands_are_kept(self) -> None:
        measurement = measure.Measurement(self.boot, self.ui)
        measurement.counts()
        self.assertEqual(measurement.commands, ["base: qemu", "series: qemu"])

    def test_a_guest_that_fails_is_no_figure(self) -> None:
        def boot(kernel: str, profile: str) -> RunResult:
            self.boot(kernel, profile)
            return RunResult(Outcome.FAIL, self.folder)

        self.assertRaises(KtError, measure.Measurement(boot, self.ui).counts)

    def test_nor_is_one_without_a_result(self) -> None:
        def boot(kernel: str, profile: str) -> RunResult:
            self.boot(kernel, profile)
            (self.folder / "files" / "count.json").unlink()
            return RunResult(Outcome.PASS, self.folder)

        self.assertRaises(KtError, measure.Measurement(boot, self.ui).counts)

    def test_notes(self) -> None:
        file = self.folder / "notes.md"
        file.write_text("before\n<!-- make bench -->\nold\n<!-- end -->\nafter\n")
        measure.update_notes(file, "| new |\n")
        expected = "before\n<!-- make bench -->\n\n| new |\n\n<!-- end -->\nafter\n"
        self.assertEqual(file.read_text(), expected)
        file.write_text("nothing\n")
        self.assertRaises(KtError, measure.update_notes, file, "")

    def test_files(self) -> None:
        measure.write(one("pipe", "read", 250, 252), BOUNDS, self.folder / "out", self.ui)
        names = sorted(file.name for file in (self.folder / "out").iterdir())
        self.assertEqual(names, ["report.html", "result.json", "table.md"])

    def test_compiler(self) -> None:
        config = self.folder / ".config"
        config.write_text('CONFIG_CC_VERSION_TEXT="gcc 12"\n')
        self.assertEqual(measure.compiler(config), "gcc 12")
        config.write_text("")
        self.assertRaises(KtError, measure.compiler, config)


class CommandTest(unittest.TestCase):
    def test_counting_is_one_instruction_after_the_other(self) -> None:
        guest = qemu.Guest(Path("vmlinux"), Path("initrd"), "", 64, 1, icount=True)
        words = qemu.command(guest, "tcg")
        self.assertIn("tcg,thread=single", words)
        self.assertEqual(words[words.index("-icount") + 1], "shift=0,sleep=off")
