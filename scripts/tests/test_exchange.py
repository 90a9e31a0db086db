# SPDX-License-Identifier: GPL-2.0
"""What a run tells other systems: JUnit XML and a submission to KCIDB."""

import json
import unittest
import xml.etree.ElementTree as xml
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ktlib import account, exchange, junit, kcidb, ktap
from ktlib.account import Account, Provenance
from ktlib.errors import KtError
from ktlib.ktap import Document, Status
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.verdict import Verdict

SCHEMAS = Paths.of_checkout().schemas
TESTS = (
    ktap.TestResult("revoke.revoke_test_open", Status.PASS, "", ("initializing",), 5),
    ktap.TestResult(
        "kselftest.revoke.proc_io.read it", Status.FAIL, "EBADF", ("want 1", "got 2"), 9
    ),
    ktap.TestResult("kselftest.revoke.proc_io.map it", Status.SKIP, "no memory", (), 10),
    ktap.TestResult("kselftest.revoke.proc_io.hang", Status.TIMEOUT, "", (), 11),
    ktap.TestResult("kselftest.revoke.wiphy", Status.ERROR, "cut short", (), 12),
)


def made(outcome: Outcome = Outcome.FAIL) -> Account:
    """A run with one test of each kind."""
    return replace(
        exchange.sample(Document(TESTS, (), 2), outcome),
        provenance=Provenance("lab_1", "v7.3.4", "", "procfs", 64 * "a", "gcc (Debian) 12.2.0"),
        times={5: 0.25, 9: 2.5},
    )


def conforms(test: unittest.TestCase, run: Account) -> None:
    """Fails when the reports of a run are not what the schemas say."""
    with TemporaryDirectory() as folder:
        exchange.write(Path(folder), run)
        tally = exchange.check(Path(folder), SCHEMAS)
        test.assertEqual((tally.passed, tally.failed), (2, 0), tally.details)


class SchemaTest(unittest.TestCase):
    def test_every_way_to_end(self) -> None:
        for outcome in (Outcome.PASS, Outcome.SKIP, Outcome.FAIL, Outcome.CRASH, Outcome.INFRA):
            with self.subTest(outcome.name):
                conforms(self, made(outcome))

    def test_bytes_that_no_format_takes(self) -> None:
        words = ("\0\x07 \ud800 ]]> <b> &", 20000 * "x")
        bad = ktap.TestResult(
            "revoke.a \x01..b/c\u00e9", Status.FAIL, "\0 because \x1b[1m", words, 3
        )
        conforms(self, replace(made(), tests=(bad,)))

    def test_schemas_refuse(self) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name)
            exchange.write(folder, made())
            content = json.loads((folder / exchange.KCIDB_FILE).read_text())
            content["tests"][1]["status"] = "GOOD"
            (folder / exchange.KCIDB_FILE).write_text(json.dumps(content))
            text = (folder / exchange.JUNIT_FILE).read_text()
            (folder / exchange.JUNIT_FILE).write_text(text.replace("<failure", "<broken"))
            self.assertEqual(exchange.check(folder, SCHEMAS).failed, 2)


class KcidbTest(unittest.TestCase):
    def test_objects_refer_to_each_other(self) -> None:
        content = kcidb.submission(made())
        checkout, build = content["checkouts"][0], content["builds"][0]
        self.assertEqual(build["checkout_id"], checkout["id"])
        self.assertEqual({test["build_id"] for test in content["tests"]}, {build["id"]})
        names = [test["id"] for test in content["tests"]]
        self.assertEqual(len(names), len(set(names)))
        for name in (checkout["id"], build["id"], *names):
            self.assertTrue(name.startswith("lab_1:"))

    def test_tests(self) -> None:
        tests = kcidb.submission(made())["tests"]
        self.assertEqual(
            [(test["path"], test["status"]) for test in tests],
            [
                ("", "FAIL"),
                ("boot", "PASS"),
                ("revoke.revoke_test_open", "PASS"),
                ("kselftest.revoke.proc_io.read_it", "FAIL"),
                ("kselftest.revoke.proc_io.map_it", "SKIP"),
                ("kselftest.revoke.proc_io.hang", "FAIL"),
                ("kselftest.revoke.wiphy", "ERROR"),
            ],
        )
        self.assertEqual(tests[0]["log_excerpt"], Outcome.FAIL.summary)
        self.assertNotIn("log_excerpt", tests[2])
        self.assertEqual((tests[2]["duration"], tests[3]["duration"]), (0.25, 2.5))
        self.assertEqual(tests[3]["log_excerpt"], "want 1\ngot 2")
        self.assertEqual(tests[3]["misc"]["name"], "kselftest.revoke.proc_io.read it")

    def test_a_machine_at_fault_says_nothing_of_the_kernel(self) -> None:
        tests = kcidb.submission(replace(made(Outcome.INFRA), tests=()))["tests"]
        self.assertEqual([test["status"] for test in tests], ["MISS"])

    def test_every_end_of_a_guest_has_a_status(self) -> None:
        ends = set(Outcome) - {Outcome.BUILD_FAIL, Outcome.APPLY_FAIL}
        for outcome in ends:
            verdict = Verdict(outcome, ("why",))
            kcidb.submission(replace(made(), verdict=verdict))

    def test_changes_by_hand_are_another_checkout(self) -> None:
        plain = kcidb.submission(made())["checkouts"][0]
        self.assertEqual(plain["comment"], "f_revoke up to procfs on v7.3.4")
        changed = replace(made().provenance, patchset_hash=None)
        other = kcidb.submission(replace(made(), provenance=changed))["checkouts"][0]
        self.assertNotEqual(plain["id"], other["id"])
        self.assertNotIn("patchset_hash", other)
        self.assertIn("changes of its own", other["comment"])

    def test_paths(self) -> None:
        self.assertEqual(kcidb.path_of("a b.c/d (2)..e"), "a_b.c_d_2_.e")


class JunitTest(unittest.TestCase):
    def root(self, run: Account) -> xml.Element:
        return xml.fromstring(junit.document(run).encode())

    def test_suites_and_counts(self) -> None:
        root = self.root(made())
        self.assertEqual(
            [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root],
            [
                ("revoke", "1", "0"),
                ("kselftest.revoke.proc_io", "3", "2"),
                ("kselftest.revoke.wiphy", "1", "0"),
                ("f_revoke", "1", "1"),
            ],
        )
        counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
        self.assertEqual(counts, {"tests": "6", "failures": "3", "errors": "1", "skipped": "1"})

    def test_failure(self) -> None:
        case = self.root(made()).findall("testsuite/testcase")[1]
        self.assertEqual((case.get("name"), case.get("time")), ("read it", "2.5"))
        failure = case.find("failure")
        assert failure is not None
        self.assertEqual((failure.get("message"), failure.text), ("EBADF", "want 1\ngot 2"))

    def test_crash_after_the_last_test_is_seen(self) -> None:
        root = self.root(replace(made(Outcome.CRASH), tests=TESTS[:1]))
        self.assertEqual(root.get("failures"), "1")
        self.assertIn("CRASH", root[-1][0][0].get("message") or "")

    def test_a_good_run_has_no_findings(self) -> None:
        root = self.root(replace(made(Outcome.PASS), tests=TESTS[:1]))
        self.assertEqual([case.attrib for case in root.iter("failure")], [])
        self.assertEqual(root.get("errors"), "0")


class AccountTest(unittest.TestCase):
    def test_times(self) -> None:
        self.assertEqual(account.times_of({9: 3.0, 4: 1.0, 5: 1.25}), {4: 1.0, 5: 0.25, 9: 1.75})
        self.assertEqual(account.times_of({}), {})

    def test_origin(self) -> None:
        self.assertEqual(account.origin({}), "f_revoke")
        self.assertEqual(account.origin({"KCIDB_ORIGIN": "lab_1"}), "lab_1")
        with self.assertRaisesRegex(KtError, "KCIDB_ORIGIN=My Lab"):
            account.origin({"KCIDB_ORIGIN": "My Lab"})
