# SPDX-License-Identifier: GPL-2.0
"""Every patch in order: it builds, without a warning that was not there before it.

A lane is one way to build, with an O= folder of its own, so that each patch costs what it makes
make build anew. The source without the series comes first: what is said of that is known, as is
what a patch before has been blamed for. A warning is known by its file and its text, so a second
one of the same text in the same file is not seen.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ktlib import kbuild
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.kbuild import Target
from ktlib.outcome import Outcome
from ktlib.ui import Ui

_WARNING = re.compile(
    r"^(?P<file>[^\s:]+):[\d:]* (?P<text>(?:warning|error): .+)$"
    r"|^Warning: (?P<of_doc>[^\s:]+):\d+ (?P<doc>.+)$"
    r"|^(?P<tool>WARNING: .+)$",
    re.MULTILINE,
)
_OFFSET = re.compile(r"\+0x[0-9a-f]+")
_BUILT = re.compile(r".+\.[cS]")
_NOT_THE_KERNEL = re.compile(r"(?:Documentation|samples|scripts|tools|usr)/")

Warnings = set[tuple[str, str]]
"""What compilers and checkers said of which file."""


@dataclass(frozen=True)
class Lane:
    """A way to build: all of the kernel, or with all warnings the folders that are touched."""

    name: str
    target: Target = Target()
    whole: bool = False


_ARCHITECTURES = {"x86_64": "", "i386": "", "arm64": "aarch64-linux-gnu-", "um": ""}
_DEFAULT = (Lane("kernel", whole=True), Lane("warnings"))
_OTHERS = tuple(
    Lane(f"{arch}-{goal}", Target(arch, cross, goal))
    for arch, cross in _ARCHITECTURES.items()
    for goal in ("allnoconfig", "allmodconfig")
)

Build = Callable[[Lane, Sequence[str]], str]
"""Builds the tree as it is now, in a lane, these folders of it; the log."""


@dataclass(frozen=True)
class Step:
    """One patch in one lane; `fault` says why it does not build."""

    seconds: float
    compiled: int
    fresh: tuple[str, ...] = ()
    fault: str = ""

    def __str__(self) -> str:
        if self.fault:
            return "does not build"
        warned = f", {len(self.fresh)} warnings" if self.fresh else ""
        return f"{self.seconds:.0f} s, {self.compiled} files{warned}"

    @property
    def complaints(self) -> list[str]:
        """What is wrong with the patch."""
        return [*self.fresh, *self.fault.splitlines()]


@dataclass(frozen=True)
class Patch:
    """A commit of the branch, by a name for people."""

    name: str
    commit: str


def lanes_of(names: str) -> list[Lane]:
    """Those of 'a,b'; the project's own configuration for '', for 'all' every one that this machine
    has the compiler for."""
    if not names:
        return list(_DEFAULT)
    every = {lane.name: lane for lane in (*_DEFAULT, *_OTHERS)}
    if names == "all":
        return [lane for lane in every.values() if shutil.which(lane.target.compiler)]
    wanted = names.split(",")
    if unknown := [name for name in wanted if name not in every]:
        raise KtError(f"no lane {unknown[0]}", hint=f"lanes: all, {', '.join(every)}")
    lanes = [every[name] for name in wanted]
    for lane in lanes:
        if not shutil.which(lane.target.compiler):
            raise KtError(
                f"lane {lane.name} needs {lane.target.compiler}",
                hint=f"apt-get install gcc-{lane.target.cross.rstrip('-')}",
            )
    return lanes


def patches_of(git: Git, base: str, tip: str) -> list[Patch]:
    """The commits of the series, in order."""
    subjects = git.call("log", "--reverse", "--format=%s", f"{base}..{tip}").splitlines()
    numbered = enumerate(zip(subjects, git.commits(base, tip), strict=True), start=1)
    return [Patch(f"{number:04} {subject}", commit) for number, (subject, commit) in numbered]


def folders_of(git: Git, base: str, tip: str) -> list[str]:
    """The folders of what is compiled that the series touches; none inside another."""
    touched = git.call("diff", "--name-only", base, tip).splitlines()
    folders = {
        str(PurePosixPath(name).parent)
        for name in touched
        if _BUILT.fullmatch(name) and not _NOT_THE_KERNEL.match(name)
    }
    return sorted(
        folder
        for folder in folders
        if not folders & {str(parent) for parent in PurePosixPath(folder).parents}
    )


def warnings_in(log: str, top: Path) -> Warnings:
    """What a log has of warnings, without what moves with every change: lines and offsets."""
    found = set()
    for match in _WARNING.finditer(log):
        file = match["file"] or match["of_doc"] or ""
        text = match["text"] or match["doc"] or match["tool"]
        name = f"{top.name}/"
        found.add((file.partition(name)[2] or file, _OFFSET.sub("", text)))
    return found


class Walk:
    """Goes through the patches in a work tree, and keeps what each lane has said so far."""

    def __init__(self, tree: Git, lanes: Sequence[Lane], build: Build, ui: Ui) -> None:
        self._tree = tree
        self._lanes = lanes
        self._build = build
        self._ui = ui
        self._known: dict[str, Warnings] = {lane.name: set() for lane in lanes}
        self.rows: list[tuple[Patch, list[Step]]] = []

    def go(self, base: str, patches: Sequence[Patch], folders: Sequence[str]) -> Outcome:
        """Build the base, which has to succeed, and each patch; BUILD_FAIL or FAIL at worst."""
        for patch in (Patch("without the series", base), *patches):
            self._ui.banner(patch.name)
            self._tree.call("checkout", "--quiet", "--detach", patch.commit)
            present = [name for name in folders if (self._tree.top / name).is_dir()]
            steps = [self._step(lane, present, patch.commit == base) for lane in self._lanes]
            self.rows.append((patch, steps))
            for line in _complaints(steps):
                self._ui.info(line)
        return self._show()

    def _step(self, lane: Lane, folders: Sequence[str], is_base: bool) -> Step:
        start = time.monotonic()
        try:
            log = self._build(lane, folders)
        except KtError as error:
            if is_base or error.outcome is not Outcome.BUILD_FAIL:
                raise
            return Step(time.monotonic() - start, 0, fault=f"{error}\n{error.hint}")
        known = self._known[lane.name]
        fresh = warnings_in(log, self._tree.top) - known
        known |= fresh
        said = () if is_base else tuple(sorted(f"{file}: {text}" for file, text in fresh))
        return Step(time.monotonic() - start, kbuild.count_compiled(log), said)

    def _show(self) -> Outcome:
        rows = [(patch.name, *map(str, steps)) for patch, steps in self.rows]
        self._ui.line()
        self._ui.table(("patch", *(lane.name for lane in self._lanes)), rows)
        steps = [step for _, row in self.rows for step in row]
        broken = sum(bool(step.fault) for step in steps)
        warned = sum(bool(step.fresh) for step in steps)
        total = sum(step.seconds for step in steps)
        self._ui.line(
            f"{len(self.rows) - 1} patches in {len(self._lanes)} lanes: {broken} do not build, "
            f"{warned} warn; {total / 60:.0f} minutes"
        )
        if broken:
            return Outcome.BUILD_FAIL
        return Outcome.FAIL if warned else Outcome.PASS


def _complaints(steps: Iterable[Step]) -> list[str]:
    return [line for step in steps for line in step.complaints]
