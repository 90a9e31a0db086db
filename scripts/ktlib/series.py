# SPDX-License-Identifier: GPL-2.0
"""A series as it lies in patches/<base>: the list, its markers, and how an export renews both.

``series`` has one patch per line. ``# upto: NAME PATTERN...`` after a patch is a place to stop at,
from which on the kselftests of these patterns (of "folder:program") have to pass; what comes after
the last such place are tests and documentation alone, and is there wherever the series stops.
``# version: N`` is the revision to be posted; a patch line may end in ``# generated from
selftests/``. Comments at the top stay there; others belong to the patch that follows them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ktlib.errors import KtError

LIST_NAME = "series"
COVER_NAME = "cover-letter.txt"
GENERATED_FROM = "selftests/"

BARE = "base"
"""The marker that nobody has to write: no patch but the tests."""

_MARKER = re.compile(r"#\s*upto:\s*(?P<name>\S+)\s*(?P<kselftests>.*?)\s*$")
_VERSION = re.compile(r"#\s*version:\s*(\d+)\s*$", re.MULTILINE)
_ENTRY = re.compile(r"(?P<name>[\w.+-]+\.patch)\s*(?:#\s*(?P<note>.*\S))?\s*$")


@dataclass(frozen=True)
class Marker:
    """A place to stop at, and patterns of the kselftests that pass from there on."""

    name: str
    kselftests: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([f"# upto: {self.name}", *self.kselftests])


@dataclass(frozen=True)
class Entry:
    """One patch: its file name, whether selftests/ is its source, its markers and comments."""

    name: str
    generated: bool = False
    comments: tuple[str, ...] = ()
    markers: tuple[Marker, ...] = ()

    @property
    def slug(self) -> str:
        """The name without its number: what stays when patches are put in another order."""
        return re.sub(r"^\d+-", "", self.name)


@dataclass(frozen=True)
class Series:
    """The list of a folder; `upto` is the marker that it was cut at, or '', and `stranded` are the
    patches at the end that follow others than they were made for."""

    folder: Path
    entries: tuple[Entry, ...] = ()
    version: int = 1
    opening: tuple[str, ...] = field(default=(), compare=False)
    closing: tuple[str, ...] = field(default=(), compare=False)
    upto: str = ""
    stranded: tuple[Entry, ...] = ()

    @property
    def files(self) -> list[Path]:
        """The patches in order."""
        return [self.folder / entry.name for entry in self.entries]

    @property
    def cover(self) -> Path:
        """The cover letter; it may not exist yet."""
        return self.folder / COVER_NAME

    @property
    def generated_index(self) -> int | None:
        """Position of the first generated patch."""
        marked = [index for index, entry in enumerate(self.entries) if entry.generated]
        return marked[0] if marked else None

    @property
    def patchset_hash(self) -> str:
        """One hash for all patches, by the rule of KCIDB; '' without any."""
        hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in self.files]
        lines = "".join(f"{word}\n" for word in hashes)
        return hashlib.sha256(lines.encode()).hexdigest() if hashes else ""

    def cut(self, name: str) -> Series:
        """The series up to the marker of this name, and the tests; all of it for ''."""
        if not name:
            return self
        if name == BARE:
            return self._with_tests((), BARE)
        for index, entry in enumerate(self.entries):
            if name in [marker.name for marker in entry.markers]:
                return self._with_tests(self.entries[: index + 1], name)
        known = [BARE, *self.markers]
        raise KtError(
            f"the series has no marker '# upto: {name}'", hint=f"markers: {', '.join(known)}"
        )

    @property
    def kselftests(self) -> tuple[str, ...]:
        """Patterns of the kselftests to run: those that have to pass, where the series was cut, but
        all of them on the base, to see what they find there."""
        if self.upto in ("", BARE):
            return ("*",)
        return tuple(pattern for marker in self._markers for pattern in marker.kselftests)

    @property
    def markers(self) -> list[str]:
        """Names of the places to stop at."""
        return [marker.name for marker in self._markers]

    def _with_tests(self, kept: tuple[Entry, ...], name: str) -> Series:
        entries = (*kept, *self.tests)
        stranded = () if entries == self.entries else self.tests
        return replace(self, entries=entries, upto=name, stranded=stranded)

    @property
    def _markers(self) -> list[Marker]:
        return [marker for entry in self.entries for marker in entry.markers]

    @property
    def tests(self) -> tuple[Entry, ...]:
        """What comes after the last marker."""
        last = [index for index, entry in enumerate(self.entries) if entry.markers]
        return self.entries[last[-1] + 1 :] if last else ()

    def renewed(self, names: Sequence[str]) -> Series:
        """The same list for newly exported files: comments and markers stay with their patch."""
        known = {entry.slug: entry for entry in self.entries}
        entries = []
        for name in names:
            entries.append(replace(known.get(Entry(name).slug, Entry(name)), name=name))
        return replace(self, entries=tuple(entries))

    def lost(self, names: Sequence[str]) -> list[str]:
        """Old patches with comments, markers or a generator that no new patch has the name of."""
        slugs = {Entry(name).slug for name in names}
        marked = [entry for entry in self.entries if entry != Entry(entry.name)]
        return [entry.name for entry in marked if entry.slug not in slugs]

    def text(self) -> str:
        """The content of the `series` file."""
        lines = list(self.opening)
        for entry in self.entries:
            lines += entry.comments
            lines.append(entry.name + (f"  # generated from {GENERATED_FROM}" * entry.generated))
            lines += map(str, entry.markers)
        return "".join(f"{line}\n" for line in [*lines, *self.closing])


def load(folder: Path) -> Series:
    """Read the list; KtError names the line that is not understood or the file that is missing."""
    file = folder / LIST_NAME
    if not file.is_file():
        raise KtError(f"{file} is missing", hint="an empty file is an empty series")
    text = file.read_text("utf-8")
    entries: list[Entry] = []
    opening: tuple[str, ...] = ()
    pending: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        marker, entry = _MARKER.match(line), _ENTRY.match(line)
        if marker and entries:
            found = Marker(marker["name"], tuple(marker["kselftests"].split()))
            entries[-1] = replace(entries[-1], markers=(*entries[-1].markers, found))
        elif entry:
            comments = tuple(pending) if entries else ()
            opening = opening if entries else tuple(pending)
            entries.append(Entry(entry["name"], _is_generated(entry["note"]), comments))
            pending = []
        elif not line.strip() or line.startswith("#"):
            pending.append(line)
        else:
            raise KtError(f"{file}:{number}: '{line}' is neither a .patch name nor a comment")
    version = _VERSION.search(text)
    if not entries:
        opening, pending = tuple(pending), []
    number = int(version[1]) if version else 1
    series = Series(folder, tuple(entries), number, opening, tuple(pending))
    _complain_about_files(series)
    return series


def _is_generated(note: str | None) -> bool:
    return note == f"generated from {GENERATED_FROM}"


def _complain_about_files(series: Series) -> None:
    listed = [entry.name for entry in series.entries]
    present = {file.name for file in series.folder.glob("*.patch")}
    for what, names in (
        ("listed, but there is no such file", [name for name in listed if name not in present]),
        ("not listed in 'series'", sorted(present - set(listed))),
        ("listed twice", sorted({name for name in listed if listed.count(name) > 1})),
    ):
        if names:
            raise KtError(f"{series.folder}: {what}: {' '.join(names)}")
