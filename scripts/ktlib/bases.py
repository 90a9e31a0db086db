# SPDX-License-Identifier: GPL-2.0
"""The kernels that the series are made for, as patches/bases.toml records them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ktlib.errors import KtError


@dataclass(frozen=True)
class DebianSource:
    """The Debian package that has the source, pinned by version and checksums."""

    suite: str
    package: str
    version: str
    deb_sha256: str
    tarball_sha256: str

    @property
    def deb_name(self) -> str:
        """File name that apt gives the package."""
        return f"{self.package}_{self.version.replace(':', '%3a')}_all.deb"


@dataclass(frozen=True)
class Candidate:
    """A kernel that the series is tried on: the newest `package` of a suite of Debian, '' for what
    the machine's own apt has. `conflicts` and `already_there` are what is expected of it, by the
    names of patches without number and ending; all others have to apply."""

    name: str
    suite: str
    package: str
    conflicts: tuple[str, ...]
    already_there: tuple[str, ...]


@dataclass(frozen=True)
class Base:
    """One supported kernel; `name` is the folder of its series, `is_default` whether it is the one
    that is taken when none is named, `commit` may be empty; `instead` has the lines that take the
    place of options of profiles that it does not have, `tried` the kernels that the series is not
    made for."""

    name: str
    is_default: bool
    kernel: str
    tag: str
    commit: str
    differs_from_upstream: str
    debian: DebianSource
    instead: Mapping[str, str] = field(default_factory=dict)
    tried: tuple[Candidate, ...] = ()


def _candidate(name: str, fields: dict[str, Any]) -> Candidate:
    conflicts, there = (tuple(fields.pop(key)) for key in ("conflicts", "already_there"))
    return Candidate(name, conflicts=conflicts, already_there=there, **fields)


def load_base(file: Path, name: str = "") -> Base:
    """The base called `name`, or the first one of the file."""
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
        default = next(iter(tables))
        chosen = name or default
        if chosen not in tables:
            raise KtError(f"no base {chosen} in {file}", hint=f"bases: {', '.join(tables)}")
        fields = dict(tables[chosen])
        debian = DebianSource(**fields.pop("debian"))
        tried = tuple(_candidate(*item) for item in fields.pop("tried", {}).items())
        return Base(chosen, chosen == default, debian=debian, tried=tried, **fields)
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise KtError(f"{file}: {error}", hint="the fields are described in that file") from error
