# SPDX-License-Identifier: GPL-2.0
"""Models in Promela: each has to verify, and to fail with a protection taken out.

harness/models/models.toml says within which bounds, and which invariant each mutant violates. A
search counts only if it was exhaustive: one that was cut short proves nothing.
"""

from __future__ import annotations

import re
import shutil
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ktlib import proc
from ktlib.errors import KtError
from ktlib.tally import Tally
from ktlib.ui import Ui

WAITS = "nobody_waits_for_ever"
RUNS = "nobody_runs_for_ever"
"""The invariants that no assertion stands for: pan finds these by itself."""

_JOBS = 2
_DEPTH = 100_000
_MEMORY_MB = 2048
_COMPILE = ("gcc", "-w", "-DCOLLAPSE", f"-DMEMLIM={_MEMORY_MB}", "-o", "pan", "pan.c")

_COUNTS = re.compile(
    r"errors: (?P<errors>\d+)\n\s*(?P<states>\S+) states, stored.*\n"
    r"(?:.* states, matched\n)?\s*(?P<transitions>\S+) transitions"
)
_TRUNCATED = re.compile(
    r"Search not completed|max search depth too small|Bit statespace search|VECTORSZ"
)
_VIOLATED = (
    (re.compile(r"^pan:\d+: assertion violated \W*(\w+)\|\|", re.MULTILINE), ""),
    (re.compile(r"^pan:\d+: (invalid end state)", re.MULTILINE), WAITS),
    (re.compile(r"^pan:\d+: (non-progress cycle)", re.MULTILINE), RUNS),
)


@dataclass(frozen=True)
class Search:
    """What a search said of itself."""

    states: int
    transitions: int
    violated: str
    trouble: str

    @property
    def verified(self) -> bool:
        """Whether everything was looked at, and nothing found."""
        return not self.violated and not self.trouble

    @property
    def verdict(self) -> str:
        """In words, for a table."""
        return self.trouble or self.violated or "verified"


@dataclass(frozen=True)
class Check:
    """A model within bounds; see models.toml."""

    name: str
    about: str
    defines: tuple[str, ...]
    progress: bool
    mutants: dict[str, str]

    @property
    def file(self) -> str:
        """The model."""
        return f"{self.name.split('-')[0]}.pml"


@dataclass(frozen=True)
class Job:
    """One search: of a model as it is, for ``expected`` being '', or of a mutant."""

    check: Check
    mutant: str = ""
    expected: str = ""
    progress: bool = False

    @property
    def title(self) -> str:
        """As it stands in tables."""
        if self.mutant:
            return self.mutant
        return f"{self.check.name}, progress" if self.progress else self.check.name


@dataclass(frozen=True)
class Done:
    """A job and its outcome."""

    job: Job
    search: Search
    seconds: float

    @property
    def complaint(self) -> str:
        """'' if it is what was expected."""
        if not self.job.expected and self.search.verified:
            return ""
        if self.job.expected and self.search.violated == self.job.expected:
            return ""
        return f"expected: {self.job.expected or 'verified'}; found: {self.search.verdict}"


def parse(text: str) -> Search:
    """What pan has printed."""
    counts = _COUNTS.search(text)
    if not counts:
        return Search(0, 0, "", "pan has not come to an end")
    matches = ((pattern.search(text), name) for pattern, name in _VIOLATED)
    violated = next((name or found[1] for found, name in matches if found), "")
    trouble = ""
    if int(counts["errors"]) and not violated:
        trouble = "an error without a name"
    elif not violated and _TRUNCATED.search(text):
        trouble = "the search was cut short"
    states, transitions = (int(float(counts[name])) for name in ("states", "transitions"))
    return Search(states, transitions, violated, trouble)


def load(file: Path, names: Sequence[str] = ()) -> list[Check]:
    """The checks of these names, or of these models; all, for no names."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
        checks = [
            Check(
                name=one["name"],
                about=one["about"],
                defines=tuple(one["defines"]),
                progress=one.get("progress", False),
                mutants=one.get("mutants", {}),
            )
            for one in table["check"]
        ]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise KtError(f"{file}: {error}", hint="see the head of the file for its form") from error
    for name in names:
        if not any(name in (check.name, check.file[:-4]) for check in checks):
            known = ", ".join(check.name for check in checks)
            raise KtError(f"there is no model '{name}'", hint=f"known: {known}")
    return [check for check in checks if not names or {check.name, check.file[:-4]} & {*names}]


def jobs_of(check: Check) -> list[Job]:
    """The model itself first, then all that is taken out of it."""
    jobs = [Job(check)]
    if check.progress:
        jobs.append(Job(check, progress=True))
    return jobs + [
        Job(check, name, expected, progress=expected == RUNS)
        for name, expected in check.mutants.items()
    ]


def run(checks: Sequence[Check], models: Path, out: Path, ui: Ui) -> Tally:
    """Search them all, and print what came out."""
    jobs = [job for check in checks for job in jobs_of(check)]
    with ui.step(f"{len(jobs)} searches") as step, ThreadPoolExecutor(_JOBS) as pool:
        done: list[Done] = []
        for one in pool.map(lambda job: _search(job, models, out), jobs):
            step.progress(f"{len(done) + 1} of {len(jobs)}, {one.job.title}")
            done.append(one)
    report(done, ui)
    tally = Tally()
    for one in done:
        tally.add(f"{one.job.check.name} {one.job.mutant}".rstrip(), one.complaint)
    return tally


def report(done: Sequence[Done], ui: Ui) -> None:
    """Two tables: the models as they are, and what was taken out of them."""
    ui.table(
        ("model", "states", "transitions", "seconds", "result", "what it is about"),
        [
            (
                one.job.title,
                str(one.search.states),
                str(one.search.transitions),
                f"{one.seconds:.1f}",
                one.search.verdict,
                one.job.check.about,
            )
            for one in done
            if not one.job.mutant
        ],
    )
    rows = [
        (
            one.job.title,
            one.job.check.name,
            "NOTHING" if one.search.verified else one.search.verdict,
        )
        for one in done
        if one.job.mutant
    ]
    if rows:
        ui.table(("taken out", "of model", "noticed by"), rows)


def _search(job: Job, models: Path, out: Path) -> Done:
    """In a folder of its own, where a counterexample stays: spin -t -p."""
    suffix = job.mutant or ("progress" if job.progress else "model")
    folder = out / job.check.name / suffix
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in models.glob("*.pml"):
        shutil.copy(file, folder)
    defines = [f"-D{name}" for name in (*job.check.defines, *([job.mutant] if job.mutant else []))]
    _generate(["spin", *defines, "-a", job.check.file], folder)
    # What is soon found is not worth the time that it takes to optimise the search for it.
    options = ("-O0" if job.expected else "-O2", "-DNP" if job.progress else "-DSAFETY")
    proc.output([*_COMPILE, *options], cwd=folder)
    start = time.monotonic()
    words = ["./pan", f"-m{_DEPTH}", *(["-l"] if job.progress else [])]
    text = proc.capture(words, cwd=folder).stdout
    (folder / "pan.out").write_text(text)
    return Done(job, parse(text), time.monotonic() - start)


def _generate(command: Sequence[str], folder: Path) -> None:
    """spin does not always say with its exit code that it has failed."""
    done = proc.capture(command, cwd=folder)
    if done.returncode or "Error" in done.stdout or not (folder / "pan.c").exists():
        words = (done.stdout + done.stderr).strip().splitlines()[-8:]
        raise KtError(f"'{proc.shown(command)}' failed in {folder}", hint="\n".join(words))
