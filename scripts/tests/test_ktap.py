# SPDX-License-Identifier: GPL-2.0
"""KTAP as guests really send it, and as it comes when something has gone wrong."""

import unittest
from pathlib import Path

from ktlib.ktap import Document, Parser, Status, parse

DATA = Path(__file__).parent / "testdata" / "ktap"


def document(text: str) -> Document:
    """Parse an inline document; the indentation of the first line is that of the whole."""
    return parse(text.splitlines())


def states(parsed: Document) -> dict[str, Status]:
    """Status by full name."""
    return {test.name: test.status for test in parsed.tests}


class NestingTest(unittest.TestCase):
    def test_kunit_and_kselftest_in_one_document(self) -> None:
        parsed = document(
            "KTAP version 1\n"
            "1..2\n"
            "    KTAP version 1\n"
            "    # Subtest: revoke\n"
            "    1..2\n"
            "    ok 1 open\n"
            "    # close: EXPECTATION FAILED at fs/tests/revoke_kunit.c:12\n"
            "    not ok 2 close\n"
            "# revoke: pass:1 fail:1 skip:0 total:2\n"
            "not ok 1 revoke\n"
            "  TAP version 13\n"
            "  1..2\n"
            "  # selftests: revoke: proc_io\n"
            "  # TAP version 13\n"
            "  # 1..2\n"
            "  # ok 1 read before removal\n"
            "  # # a remark\n"
            "  # ok 2 # SKIP no compat ioctl\n"
            "  ok 1 selftests: revoke: proc_io\n"
            "  # selftests: revoke: slow\n"
            "  # TAP version 13\n"
            "  # 1..2\n"
            "  # ok 1 quick\n"
            "  not ok 2 selftests: revoke: slow # TIMEOUT 300 seconds\n"
            "not ok 2 kselftest # exit=1\n"
            "# f_revoke: done 2\n"
        )
        self.assertEqual(
            states(parsed),
            {
                "revoke.open": Status.PASS,
                "revoke.close": Status.FAIL,
                "kselftest.revoke.proc_io.read before removal": Status.PASS,
                "kselftest.revoke.proc_io.no compat ioctl": Status.SKIP,
                "kselftest.revoke.slow.quick": Status.PASS,
                "kselftest.revoke.slow": Status.TIMEOUT,
            },
        )
        self.assertEqual(parsed.done, 2)
        failed = parsed.tests[1]
        self.assertEqual(failed.line, 8)
        self.assertIn("EXPECTATION FAILED", failed.diagnostics[0])
        self.assertEqual(parsed.errors, ())

    def test_runner_of_older_kernels(self) -> None:
        of_a_folder = (
            "  TAP version 13\n"
            "  1..2\n"
            "  ok 1 selftests: {0}: first\n"
            "  {1}ok 2 selftests: {0}: second\n"
        )
        both = of_a_folder.format("revoke", "") + of_a_folder.format("revoke_stress", "not ")
        parsed = document(f"KTAP version 1\n1..1\n{both}not ok 1 kselftest\n# f_revoke: done 1\n")
        self.assertEqual(
            states(parsed),
            {
                "kselftest.revoke.first": Status.PASS,
                "kselftest.revoke.second": Status.PASS,
                "kselftest.revoke_stress.first": Status.PASS,
                "kselftest.revoke_stress.second": Status.FAIL,
            },
        )
        self.assertEqual(parsed.errors, ())

    def test_runner_of_older_kernels_is_cut_short(self) -> None:
        first = "  TAP version 13\n  1..2\n  ok 1 selftests: revoke: first\n"
        second = "  TAP version 13\n  1..1\n  ok 1 selftests: revoke_stress: first\n"
        parsed = document(f"KTAP version 1\n1..1\n{first}{second}ok 1 kselftest\n")
        self.assertTrue(parsed.errors)

    def test_a_folder_without_tests(self) -> None:
        some = "  TAP version 13\n  1..1\n  ok 1 selftests: revoke: first\n"
        none = "  TAP version 13\n  1..0\n"
        for both in (some + none, none + some):
            with self.subTest(both):
                parsed = document(f"KTAP version 1\n1..1\n{both}ok 1 kselftest\n")
                self.assertTrue(parsed.errors)

    def test_parameters_of_kunit(self) -> None:
        parsed = document(
            "KTAP version 1\n"
            "1..1\n"
            "    KTAP version 1\n"
            "    # Subtest: suite\n"
            "    1..1\n"
            "        KTAP version 1\n"
            "        # Subtest: case\n"
            "        1..2\n"
            "        ok 1 same\n"
            "        ok 2 same\n"
            "    ok 1 case\n"
            "ok 1 suite\n"
        )
        self.assertEqual(list(states(parsed)), ["suite.case.same", "suite.case.same (2)"])
        self.assertEqual(parsed.errors, ())

    def test_foreign_lines_do_no_harm(self) -> None:
        parsed = document(
            "before the document\n"
            "KTAP version 1\n"
            "1..1\n"
            "[    1.0] a kernel message\n"
            "okay, not a result; nor is this: ok\n"
            "ok 1 - a\n"
        )
        self.assertEqual(states(parsed), {"a": Status.PASS})
        self.assertEqual(parsed.errors, ())


class DirectiveTest(unittest.TestCase):
    def test_each(self) -> None:
        lines = {
            "ok 1 a # SKIP no device": (Status.SKIP, "no device"),
            "not ok 1 a # SKIP no device": (Status.SKIP, "no device"),
            "ok 1 a # XFAIL known": (Status.XFAIL, "known"),
            "not ok 1 a # TODO later": (Status.XFAIL, "later"),
            "not ok 1 a # TIMEOUT 45 seconds": (Status.TIMEOUT, "45 seconds"),
            "not ok 1 a # error errno 5": (Status.ERROR, "errno 5"),
            "not ok 1 a # exit=3": (Status.FAIL, "exit=3"),
            "ok 1 a # rcode=0": (Status.PASS, "rcode=0"),
        }
        for line, expected in lines.items():
            with self.subTest(line):
                test = document(f"TAP version 14\n1..1\n{line}\n").tests[0]
                self.assertEqual((test.status, test.note), expected)

    def test_a_program_that_skips_everything(self) -> None:
        parsed = document(
            "KTAP version 1\n1..1\n"
            "# TAP version 13\n# 1..0 # SKIP no module\n"
            "ok 1 selftests: revoke: proc_io # SKIP\n"
        )
        self.assertEqual(states(parsed), {"revoke.proc_io": Status.SKIP})
        self.assertEqual(parsed.tests[0].note, "no module")
        self.assertEqual(parsed.errors, ())


class FaultTest(unittest.TestCase):
    def check(self, text: str, *errors: str) -> Document:
        parsed = document(text)
        self.assertEqual(parsed.errors, errors)
        return parsed

    def test_nothing(self) -> None:
        parsed = self.check("", "nothing that looks like KTAP")
        self.assertEqual(parsed.tests, ())

    def test_short_plan(self) -> None:
        self.check("KTAP version 1\n1..2\nok 1 a\n", "line 1: 2 tests planned, 1 seen")

    def test_more_than_planned(self) -> None:
        text = "KTAP version 1\n1..1\nok 1 a\nok 2 b\n"
        self.check(text, "line 1: 1 tests planned, 2 seen")

    def test_short_plan_of_a_suite_that_passed(self) -> None:
        text = "KTAP version 1\n1..1\n# TAP version 13\n# 1..2\n# ok 1 b\nok 1 a\n"
        self.check(text, "line 3: 2 tests planned, 1 seen")

    def test_no_plan(self) -> None:
        self.check("KTAP version 1\nok 1 a\n", "line 1: no plan")

    def test_plan_at_the_end(self) -> None:
        self.check("KTAP version 1\nok 1 a\n1..1\n")

    def test_two_plans(self) -> None:
        self.check("KTAP version 1\n1..1\n1..1\nok 1 a\n", "line 3: a second plan")

    def test_zero_tests(self) -> None:
        self.check("KTAP version 1\n1..0\n", "line 1: no tests")

    def test_number_twice(self) -> None:
        text = "KTAP version 1\n1..2\nok 1 a\nok 1 b\n"
        self.check(text, "line 4: result 1 where 2 is due")

    def test_second_document(self) -> None:
        text = "KTAP version 1\n1..1\nok 1 a\nKTAP version 1\n"
        self.check(text, "line 4: a second document starts")

    def test_bail_out(self) -> None:
        text = "KTAP version 1\n1..1\n# TAP version 13\n# 1..1\n# Bail out! no /proc\nnot ok 1 a\n"
        self.check(text, "line 5: bailed out: no /proc")

    def test_parent_hides_a_failure(self) -> None:
        text = "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 b\nok 1 a\n"
        parsed = self.check(text, "line 6: a is ok, although a test in it is not")
        self.assertEqual(states(parsed), {"a.b": Status.FAIL})

    def test_parent_fails_by_itself(self) -> None:
        text = "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 b\nnot ok 1 a # exit=139\n"
        parsed = self.check(text)
        self.assertEqual(states(parsed), {"a.b": Status.PASS, "a": Status.FAIL})

    def test_cut_short(self) -> None:
        parsed = self.check(
            "KTAP version 1\n1..2\n"
            "# selftests: revoke: proc_io\n# TAP version 13\n# 1..3\n# ok 1 a\n",
            "line 1: 2 tests planned, 1 seen",
        )
        self.assertEqual(
            states(parsed),
            {"revoke.proc_io.a": Status.PASS, "revoke.proc_io": Status.ERROR},
        )
        self.assertIsNone(parsed.done)

    def test_token_that_does_not_add_up(self) -> None:
        text = "KTAP version 1\n1..1\nok 1 a\n# f_revoke: done 2\n"
        self.check(text, "line 4: the guest says 2 suites, 1 were seen")

    def test_token_of_a_test_is_none(self) -> None:
        text = "KTAP version 1\n1..1\n  # # f_revoke: done 1\n  # f_revoke: done 1\nok 1 a\n"
        self.assertIsNone(document(text).done)


class LiveTest(unittest.TestCase):
    def test_what_is_running(self) -> None:
        parser = Parser()
        lines = ("KTAP version 1", "1..1", "  TAP version 13", "  1..1", "  # selftests: a: b")
        for line in lines:
            self.assertIsNone(parser.feed(line))
        self.assertEqual(parser.running, "kselftest.a.b")
        for line in ("  # TAP version 13", "  # 1..1"):
            parser.feed(line)
        self.assertEqual(parser.running, "kselftest.a.b")
        case = parser.feed("  # ok 1 case")
        self.assertEqual(case and case.name, "case")
        suite = parser.feed("  ok 1 selftests: a: b")
        self.assertEqual(suite and [child.name for child in suite.children], ["case"])
        self.assertEqual(parser.running, "kselftest")


class RecordedTest(unittest.TestCase):
    """Documents of real guests; the first lines of a file say what is to be found in it."""

    def test_fixtures(self) -> None:
        for file in sorted(DATA.glob("*.ktap")):
            with self.subTest(file.name):
                head, _, text = file.read_text().partition("\n\n")
                fields = dict(line.split(": ", 1) for line in head.splitlines())
                parsed = document(text)
                counts = [test.status for test in parsed.tests]
                found = ", ".join(f"{counts.count(s)} {s.value}" for s in Status if s in counts)
                self.assertEqual(found, fields["TESTS"])
                self.assertEqual(str(len(parsed.errors)), fields["FAULTS"])
                self.assertEqual(str(parsed.done), fields["DONE"])


if __name__ == "__main__":
    unittest.main()
