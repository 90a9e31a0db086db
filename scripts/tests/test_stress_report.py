# SPDX-License-Identifier: GPL-2.0
"""The report of a stress run: all that failed is in it, and nothing is fetched."""

import re
import unittest
from typing import Any

from ktlib import stress_report
from tests.html_tags import Tags


def workload(**changes: Any) -> dict[str, Any]:
    """One that passed, but for the changes."""
    races = {"rounds": 8, "operation_ahead": 2, "removal_ahead": 1, "overlapping": 5}
    counts = {"rounds": 3, "operations": 1200, "removals": 40, "raced": 7, "seconds": 1.5}
    texts = {"source": "test_revoke", "workload": "io", "skipped": "", "history": ""}
    return {**texts, **counts, "races": races, "violations": [], **changes}


def result(*workloads: dict[str, Any]) -> dict[str, Any]:
    """A run of these."""
    row = {"open_files": 4, "buckets": [0] * 12 + [3, 1], "total": 4, "longest_ns": 6000}
    return {
        "seed": 5,
        "profile": "quick",
        "kernel": "7.3.4 <&>",
        "ok": not any(one["violations"] for one in workloads),
        "workloads": list(workloads),
        "removal_latency": [row],
        "notes": ["no fail-nth"],
    }


class ReportTest(unittest.TestCase):
    def test_is_whole_and_needs_no_network(self) -> None:
        page = stress_report.report(result(workload(), workload(skipped="no loop devices")))
        tags = Tags()
        tags.feed(page)
        self.assertEqual(tags.open, [])
        self.assertNotRegex(page, r"(?i)\b(src|href|url|import)\b")
        self.assertIn("in order", page)
        self.assertIn("5 of 8", page)
        self.assertIn("skipped: no loop devices", page)
        self.assertIn("7.3.4 &lt;&amp;&gt;", page)

    def test_shows_what_failed(self) -> None:
        failed = workload(violations=["late_success: a < b"], history="h.jsonl")
        page = stress_report.report(result(failed))
        self.assertIn("late_success: a &lt; b", page)
        self.assertIn("h.jsonl", page)
        self.assertIn("failed", page)
        self.assertNotIn("in order", page)

    def test_histogram(self) -> None:
        page = stress_report.report(result(workload()))
        self.assertEqual(len(re.findall("<rect", page)), 2)
        self.assertIn("3 below 4.1 µs", page)
        self.assertIn("6 µs", page)

    def test_median(self) -> None:
        self.assertEqual(stress_report.median_bucket([0, 1, 1, 5, 0]), 3)
        self.assertEqual(stress_report.median_bucket([0, 0]), 0)

    def test_nothing_removed(self) -> None:
        empty: dict[str, Any] = {**result(workload()), "removal_latency": []}
        self.assertIn("Nothing was removed", stress_report.report(empty))
