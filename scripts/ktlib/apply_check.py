# SPDX-License-Identifier: GPL-2.0
"""The series on kernels that it is not made for: patch by patch, does it apply there?

Only the files that the series touches are taken out of a kernel's source. A patch of which a part
conflicts is put in without that part, so that those after it find as much as can be; conflicts of
theirs may be consequences.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ktlib import debian, mail, proc
from ktlib.bases import Candidate
from ktlib.errors import KtError
from ktlib.git import Git, git_env
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.series import Entry, Series
from ktlib.ui import Ui

_OFFSET = re.compile(r"^Hunk #\d+ succeeded at \d+ \(offset (-?\d+) lines?\)", re.MULTILINE)
_CONFLICT = re.compile(
    r"^error: (\S+): (?:patch does not apply|No such file|already exists|does not exist)",
    re.MULTILINE,
)


class Fate(Enum):
    """What becomes of a patch."""

    APPLIES = "applies"
    OFFSET = "offset"
    CONFLICTS = "conflicts"
    THERE = "already there"


@dataclass(frozen=True)
class Trial:
    """One patch on one kernel: `lines` is how far a hunk moved at most, `files` have conflicts."""

    entry: Entry
    fate: Fate
    lines: int = 0
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.fate.value} {self.lines}" if self.lines else self.fate.value


@dataclass(frozen=True)
class Findings:
    """The series on one kernel; `version` is that of its package."""

    candidate: Candidate
    version: str
    trials: tuple[Trial, ...]

    @property
    def title(self) -> str:
        """The head of its column."""
        return f"{self.candidate.name} ({self.version})"

    def surprises(self) -> list[str]:
        """What is other than patches/bases.toml says."""
        expected = {
            **{name: Fate.CONFLICTS for name in self.candidate.conflicts},
            **{name: Fate.THERE for name in self.candidate.already_there},
        }
        known = {_name(trial.entry) for trial in self.trials}
        found = [f"{name}: no such patch" for name in expected if name not in known]
        for trial in self.trials:
            wanted = expected.get(_name(trial.entry), Fate.APPLIES)
            fate = Fate.APPLIES if trial.fate is Fate.OFFSET else trial.fate
            if fate is not wanted:
                found.append(f"{trial.entry.name}: {fate.value}, expected: {wanted.value}")
        return found

    def counts(self) -> str:
        """How many patches had which fate."""
        count = Counter(trial.fate for trial in self.trials)
        return ", ".join(f"{fate.value}: {count[fate]}" for fate in Fate if count[fate])


def _name(entry: Entry) -> str:
    return entry.slug.removesuffix(".patch")


def try_series(tree: Git, series: Series) -> tuple[Trial, ...]:
    """Put the patches into a work tree one after the other."""
    return tuple(
        _try(tree, entry, file) for entry, file in zip(series.entries, series.files, strict=True)
    )


def _try(tree: Git, entry: Entry, file: Path) -> Trial:
    checked = tree.attempt("apply", "--check", "--verbose", file)
    if checked.returncode == 0:
        tree.call("apply", file)
        lines = max((abs(int(offset)) for offset in _OFFSET.findall(checked.stderr)), default=0)
        return Trial(entry, Fate.OFFSET if lines else Fate.APPLIES, lines)
    if tree.attempt("apply", "--check", "--reverse", file).returncode == 0:
        return Trial(entry, Fate.THERE)
    tree.attempt("apply", "--reject", file)
    files = tuple(dict.fromkeys(_CONFLICT.findall(checked.stderr)))
    return Trial(entry, Fate.CONFLICTS, files=files)


@contextmanager
def excerpt(tarball: Path, names: Sequence[str]) -> Iterator[Git]:
    """A repository with the files of these names, as far as the source in the tarball has them."""
    with tempfile.TemporaryDirectory(prefix="kt-apply-") as folder:
        tree = Path(folder)
        # Git would take paths to be those of a repository further up.
        proc.output(["git", "init", "--quiet", tree], env=git_env())
        patterns = "".join(f"*/{name}\n" for name in (*names, "Makefile"))
        # It ends with an error, as some files are new, and names each of them.
        proc.capture(
            [
                *("tar", "--extract", "--strip-components=1", "-C", tree, "-f", tarball),
                *("--wildcards", "--no-wildcards-match-slash", "--anchored", "--files-from=-"),
            ],
            stdin=patterns,
        )
        if not (tree / "Makefile").is_file():
            raise KtError(f"{tarball} is not a kernel source")
        yield Git(tree)


def find(candidate: Candidate, series: Series, paths: Paths, ui: Ui) -> Findings:
    """Get the newest source of a candidate, and try the series on it."""
    paths.cache.mkdir(parents=True, exist_ok=True)
    deb = debian.fetch_newest(candidate.suite, candidate.package, paths.cache, ui)
    touched = {name for file in series.files for name in mail.touched_files(mail.read(file))}
    with ui.step(f"try {len(series.entries)} patches on {candidate.name}") as step:
        with tempfile.TemporaryDirectory(prefix="kt-tarball-") as folder:
            tarball = Path(folder) / "linux.tar.xz"
            debian.unpack(deb, candidate.package, tarball)
            with excerpt(tarball, sorted(touched)) as tree:
                findings = Findings(candidate, debian.version_of(deb), try_series(tree, series))
        step.result = findings.counts()
    return findings


def check(candidates: Sequence[Candidate], series: Series, paths: Paths, ui: Ui) -> Outcome:
    """Try every candidate and show it all; FAIL when one is other than expected."""
    found = [find(candidate, series, paths, ui) for candidate in candidates]
    return show(found, series, ui)


def show(found: Sequence[Findings], series: Series, ui: Ui) -> Outcome:
    """A column for each kernel; then the conflicts, and a verdict on each."""
    columns = zip(*([str(trial) for trial in findings.trials] for findings in found))
    rows = [(entry.name, *cells) for entry, cells in zip(series.entries, columns)]
    ui.line()
    ui.table(("patch", *(findings.title for findings in found)), rows)
    for findings in found:
        for trial in findings.trials:
            if trial.fate is Fate.CONFLICTS:
                ui.info(f"{findings.candidate.name}, {trial.entry.name}: {' '.join(trial.files)}")
    ui.line()
    for findings in found:
        surprises = findings.surprises()
        verdict = "other than expected" if surprises else "as expected"
        ui.line(f"{findings.title}: {verdict} ({findings.counts()})")
        for line in surprises:
            ui.info(line)
    return Outcome.FAIL if any(findings.surprises() for findings in found) else Outcome.PASS
