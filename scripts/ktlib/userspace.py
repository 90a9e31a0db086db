# SPDX-License-Identifier: GPL-2.0
"""fs/revoke.c as a program: harness/userspace/ is built around the core of a tree, and run.

Mutants are the core with one protection taken out each, as in mutants.py; those of the kernel that
touch nothing else serve here as well. A program has noticed one when it ends with a failure: a
check of its own, its watchdog, or a report of a sanitizer. It has not when the storm was too calm,
and nobody has when the core itself fails, on a machine that is too slow for the watchdog.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ktlib import ktap, proc
from ktlib.errors import KtError
from ktlib.ktap import Status
from ktlib.mutants import SURVIVED, Mutant, find
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.tally import Tally
from ktlib.ui import Ui

CORE = frozenset({"fs/revoke.c", "include/linux/revoke.h"})

_DIFF = re.compile(r"^diff --git a/(\S+)", re.MULTILINE)
_REPORT = re.compile(r"not ok|# crashed|runtime error:|(WARNING|ERROR|FATAL): \w+Sanitizer")
_PREFIX = re.compile(r"^=+\d+=+|^.*(?=runtime error:)")
_CALM = "# never seen: "
_SHOWN = 30


@dataclass(frozen=True)
class Program:
    """One of the builds, and how many objects it is to revoke."""

    name: str
    revokes: int
    patience_s: int = 60

    @property
    def options(self) -> list[str]:
        """What it is called with."""
        return ["--revokes", str(self.revokes), "--patience", str(self.patience_s)]


LONG = (
    Program("storm", 10_000_000),
    Program("storm-asan", 2_000_000),
    Program("storm-tsan", 500_000),
)
"""For a run of its own."""

SHORT = (
    Program("storm", 2_000_000),
    Program("storm-asan", 500_000),
    Program("storm-tsan", 200_000),
)
"""For a gate among others."""

HUNT = (
    Program("storm-asan", 100_000, 8),
    Program("storm-tsan", 100_000, 8),
    Program("storm", 500_000, 8),
)
"""For mutants: each is tried until one of these notices it, the likeliest first."""


@dataclass(frozen=True)
class Ended:
    """A program that has come to its end."""

    program: Program
    exit_code: int
    text: str

    @property
    def complaint(self) -> str:
        """The first thing that it complained about, with what follows; '' if all is well."""
        if self.exit_code == 0:
            return ""
        lines = self.text.splitlines()
        first = next((n for n, line in enumerate(lines) if _REPORT.search(line)), len(lines))
        # What a check has to say is in the line before.
        shown = lines[max(first - 1, 0) : first + _SHOWN]
        return "\n".join([*shown, f"exit code {self.exit_code}"])

    @property
    def reason(self) -> str:
        """The complaint in a few words."""
        found = [line for line in self.complaint.splitlines() if _REPORT.search(line)]
        if not found:
            return f"exit code {self.exit_code}"
        if found[0].startswith("not ok"):
            found = self.complaint.splitlines()
        return _PREFIX.sub("", found[0])[:70]

    @property
    def noticed(self) -> bool:
        """Whether this tells a mutant from the core: that nobody met anybody does not."""
        return self.exit_code != 0 and not self.complaint.startswith(_CALM)

    def tally(self) -> Tally:
        """Every case counts, and that it came to a good end."""
        tally = Tally()
        for test in ktap.parse(self.text.splitlines()).tests:
            if test.status is not Status.SKIP:
                tally.add(f"{self.program.name}.{test.name}", "" if test.ok else "see below")
        tally.add(self.program.name, self.complaint)
        return tally


class Storms:
    """The programs around the core of one tree."""

    def __init__(self, paths: Paths, tree: Path, ui: Ui) -> None:
        self._sources = paths.userspace
        self._tree = tree
        self._out = paths.out / "userspace"
        self._ui = ui

    def build(self, mutant: Path | None = None, targets: Sequence[str] = ()) -> Path:
        """The folder with the programs; `targets`: not all of them."""
        folder = self._out / "mutants" / mutant.stem if mutant else self._out
        variables = [f"KERNEL={self._tree}", f"O={self._out}"]
        if mutant:
            variables.append(f"MUTANT={mutant}")
        wanted = [folder / target for target in targets]
        done = proc.capture(["make", "-j2", "-C", self._sources, *variables, *wanted])
        if done.returncode != 0:
            raise KtError(
                f"userspace/ does not build{f' with {mutant.name}' if mutant else ''}",
                outcome=Outcome.BUILD_FAIL,
                hint="\n".join((done.stdout + done.stderr).strip().splitlines()[-_SHOWN:]),
            )
        return folder

    def run(self, program: Program, folder: Path) -> Ended:
        """One program to its end; what it says is kept next to it."""
        done = proc.capture([*_without_aslr(program), folder / program.name, *program.options])
        # Reports of sanitizers, then KTAP: both are short.
        text = done.stderr + done.stdout
        (folder / f"{program.name}.log").write_text(text, "utf-8")
        return Ended(program, done.returncode, text)

    def check(self, programs: Iterable[Program]) -> Tally:
        """Build all, run each."""
        with self._ui.step("build userspace/"):
            folder = self.build()
        tallies = []
        for program in programs:
            with self._ui.step(f"{program.name}: {program.revokes} objects") as step:
                ended = self.run(program, folder)
                step.result = ended.reason if ended.exit_code else "all cases pass"
            tallies.append(ended.tally())
        return Tally.sum(tallies)

    def hunt(self, mutants: Sequence[Mutant]) -> Tally:
        """Every one of them has to be noticed; what fails without a mutant proves nothing."""
        tally, rows = self.check(HUNT), []
        if tally.failed:
            return tally
        for mutant in mutants:
            with self._ui.step(mutant.name) as step:
                step.result = self._noticed(mutant)
            rows.append((mutant.name, step.result))
            tally.add(mutant.name, mutant.about if step.result == SURVIVED else "")
        self._ui.table(("mutant", "noticed by"), rows)
        return tally

    def _noticed(self, mutant: Mutant) -> str:
        for program in HUNT:
            folder = self.build(mutant.file, [program.name])
            ended = self.run(program, folder)
            if ended.noticed:
                return f"{program.name}: {ended.reason}"
        return SURVIVED


def _without_aslr(program: Program) -> list[str]:
    """The TSan of GCC 12 ends at once where the kernel randomizes more bits than it knows."""
    prefix = ["setarch", "--addr-no-randomize"]
    if program.name != "storm-tsan" or proc.capture([*prefix, "true"]).returncode != 0:
        return []
    return prefix


def mutants_of_core(folders: Iterable[Path]) -> list[Mutant]:
    """Those that touch the core and nothing else."""
    found = [mutant for folder in folders for mutant in find(folder, [])]
    touched = {one: set(_DIFF.findall(one.file.read_text("utf-8"))) for one in found}
    return [one for one in found if touched[one] and touched[one] <= CORE]
