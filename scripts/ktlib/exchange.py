# SPDX-License-Identifier: GPL-2.0
"""The files of a run that other systems read, and whether they are what those expect."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from ktlib import junit, kcidb, ktap, proc
from ktlib.account import DEFAULT_ORIGIN, Account, Provenance
from ktlib.ktap import Document
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.tally import Tally
from ktlib.verdict import Verdict

JUNIT_FILE = "junit.xml"
KCIDB_FILE = "kcidb.json"

_SAMPLE_ORIGIN = Provenance(DEFAULT_ORIGIN, "v7.3.4", "", "", None, "gcc 12")


def write(folder: Path, account: Account) -> None:
    """Both reports, into the run's folder."""
    (folder / JUNIT_FILE).write_text(junit.document(account), "utf-8")
    (folder / KCIDB_FILE).write_text(json.dumps(kcidb.submission(account), indent=2) + "\n")


def check(folder: Path, schemas: Path) -> Tally:
    """Hold the reports in a folder against the schemas."""
    commands: dict[str, list[str | Path]] = {
        KCIDB_FILE: [
            *("/usr/bin/python3", "-B", "-m", "jsonschema"),
            *("-i", folder / KCIDB_FILE, schemas / "kcidb-5.3.schema.json"),
        ],
        JUNIT_FILE: [
            *("xmllint", "--noout", "--schema", schemas / "junit.xsd"),
            folder / JUNIT_FILE,
        ],
    }
    tally = Tally()
    for name, command in commands.items():
        done = proc.capture(command)
        words = (done.stdout + done.stderr).strip() or f"exit code {done.returncode}"
        tally.add(f"{folder.name}: {name}", words if done.returncode else "")
    return tally


def check_samples(paths: Paths) -> Tally:
    """The same of what guests have said, however they came to their end, with the verdicts that
    there are."""
    documents = sorted((paths.scripts / "tests/testdata/ktap").glob("*.ktap"))
    with tempfile.TemporaryDirectory(prefix="kt-reports-") as name:
        folders = []
        for file in documents:
            text = file.read_text("utf-8").partition("\n\n")[2]
            document = ktap.parse(text.splitlines())
            for outcome in (Outcome.PASS, Outcome.CRASH, Outcome.INFRA):
                folder = Path(name) / f"{file.stem}-{outcome.name}"
                folder.mkdir()
                write(folder, sample(document, outcome))
                folders.append(folder)
        return Tally.sum(check(folder, paths.schemas) for folder in folders)


def sample(document: Document, outcome: Outcome) -> Account:
    """A run that nobody made."""
    return Account(
        provenance=_SAMPLE_ORIGIN,
        profile="plain",
        build=64 * "0",
        token="sample",
        machine="tcg",
        started="2026-01-01T00:00:00+00:00",
        seconds=10.0,
        booted=True,
        verdict=Verdict(outcome, () if outcome is Outcome.PASS else (outcome.summary,)),
        tests=document.tests,
        times={test.line: 0.5 for test in document.tests},
    )
