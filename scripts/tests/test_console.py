# SPDX-License-Identifier: GPL-2.0
"""The judge of consoles, on real logs: the first lines of a file say what is to be found."""

import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

from ktlib.console import Report, find_reports, for_reading

DATA = Path(__file__).parent / "testdata" / "console"


def fixtures() -> Iterator[tuple[str, dict[str, str], str]]:
    """Name, fields of the header, log."""
    for file in sorted(DATA.glob("*.log")):
        head, _, log = file.read_text("utf-8", "replace").partition("\n\n")
        yield file.name, dict(line.split(": ", 1) for line in head.splitlines()), log


class FixtureTest(unittest.TestCase):
    def test_there_are_some(self) -> None:
        self.assertGreater(len(list(fixtures())), 20)

    def test_verdict(self) -> None:
        for name, fields, log in fixtures():
            with self.subTest(name):
                reports = find_reports(log)
                self.assertEqual("report" if reports else "clean", fields["VERDICT"])
                if reports:
                    self.assertEqual(reports[0].title, fields["TITLE"])
                    self.assertEqual(reports[0].kind, fields["TYPE"])
                    self.assertEqual(str(len(reports)), fields.get("REPORTS", "1"))

    def test_an_excerpt_gives_the_same_report(self) -> None:
        for name, _, log in fixtures():
            for report in find_reports(log):
                with self.subTest(name, title=report.title):
                    again = find_reports(report.excerpt)
                    self.assertEqual(len(again), 1)
                    self.assertEqual(again[0].title, report.title)
                    self.assertEqual(again[0].fingerprint, report.fingerprint)
                    self.assertEqual(again[0].line, 1)

    def test_prefixes_do_not_matter(self) -> None:
        for name, _, log in fixtures():
            plain = "".join(report.excerpt for report in find_reports(log))
            stamped = "".join(f"<4>[  123.456789] {line}\r\n" for line in plain.splitlines())
            with self.subTest(name):
                self.assertEqual(titles(find_reports(plain)), titles(find_reports(stamped)))

    def test_line_number(self) -> None:
        for name, _, log in fixtures():
            for report in find_reports(log):
                with self.subTest(name, title=report.title):
                    first = report.excerpt.splitlines()[0]
                    self.assertTrue(log.splitlines()[report.line - 1].rstrip("\r").endswith(first))


class AnnouncementTest(unittest.TestCase):
    """A report that a test has announced is none; any other one is."""

    log = (DATA / "lockdep-recursive.log").read_text("utf-8").partition("\n\n")[2]
    announcement = "[    1.000000] f_revoke: expected report: possible recursive locking\n"

    def test_announced_report_is_none(self) -> None:
        self.assertEqual(find_reports(self.announcement + self.log), [])

    def test_only_one_is_announced(self) -> None:
        twice = self.announcement + self.log + self.log
        self.assertEqual(len(find_reports(twice)), 1)

    def test_a_report_before_it_counts(self) -> None:
        kinds = [report.kind for report in find_reports(self.log + self.announcement)]
        self.assertEqual(kinds, ["lockdep", "missing"])

    def test_another_report_counts(self) -> None:
        other = self.announcement.replace("recursive", "circular")
        kinds = [report.kind for report in find_reports(other + self.log)]
        self.assertEqual(kinds, ["lockdep", "missing"])


def titles(reports: list[Report]) -> list[str]:
    """What was reported, in order."""
    return [report.title for report in reports]


class WordsTest(unittest.TestCase):
    def test_words_inside_a_message_mean_nothing(self) -> None:
        for line in (
            "[    1.0] zoo: BUG: or WARNING: at zoo.c:1 is quoted here",
            "[    1.0] WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks",
            "[    1.0] INFO: lockdep is turned off.",
            "[    1.0] Command line: oops=panic panic_on_warn=1",
            "[    1.0] debug: unmapping init [mem 0xffffffff82a00000-0xffffffff82bfffff]",
            "not ok 1 a test about an Oops: it failed",
        ):
            with self.subTest(line):
                self.assertEqual(find_reports(line), [])

    def test_formats_of_older_kernels(self) -> None:
        log = (
            "------------[ cut here ]------------\n"
            "WARNING: CPU: 1 PID: 72 at fs/proc/inode.c:72 proc_evict_inode+0x1c/0x30\n"
            "RIP: 0010:proc_evict_inode+0x1c/0x30\n"
            "---[ end trace 0000000000000000 ]---\n"
        )
        self.assertEqual(titles(find_reports(log)), ["WARNING in proc_evict_inode"])

    def test_a_report_without_end(self) -> None:
        log = "BUG: scheduling while atomic: a/1/0x2\n" + "chatter\n" * 500
        self.assertLess(len(find_reports(log)[0].excerpt.splitlines()), 100)

    def test_behind_what_a_program_writes(self) -> None:
        log = "guest login: [  243.100000] watchdog: BUG: soft lockup - CPU#0 stuck\n"
        self.assertEqual(titles(find_reports(log)), ["soft lockup"])

    def test_a_memory_type_freed_twice(self) -> None:
        log = "[ 9.9] x86/PAT: mmap:72 freeing invalid memtype [mem 0xfe000000-0xfe000fff]\n"
        self.assertEqual(titles(find_reports(log)), ["freeing invalid memtype"])

    def test_two_reports(self) -> None:
        log = "watchdog: BUG: soft lockup - CPU#0 stuck\n" * 2
        self.assertEqual(len(find_reports(log)), 2)


class ReadingTest(unittest.TestCase):
    REPORT = Report("bug", "a title", 1, "f", "RAX: 0000 RBX: 0000\n f+0x1/0x2\nCode: 0f 0b\n")

    def read_with(self, script: str) -> list[str]:
        with tempfile.TemporaryDirectory() as name:
            vmlinux = Path(name) / "vmlinux"
            tool = Path(name) / "source/scripts/decode_stacktrace.sh"
            tool.parent.mkdir(parents=True)
            tool.write_text(f"#!/bin/sh\n{script}\n")
            tool.chmod(0o755)
            return for_reading(self.REPORT, vmlinux)

    def test_with_the_kernels_script(self) -> None:
        self.assertEqual(self.read_with("sed 's/$/ (a.c:1)/'"), [" f+0x1/0x2 (a.c:1)"])

    def test_a_script_that_fails(self) -> None:
        self.assertEqual(self.read_with("exit 1"), [" f+0x1/0x2"])

    def test_without_source(self) -> None:
        self.assertEqual(for_reading(self.REPORT, Path("/nonexistent/vmlinux")), [" f+0x1/0x2"])


if __name__ == "__main__":
    unittest.main()
