# SPDX-License-Identifier: GPL-2.0
"""The kernels that the series are made for, as patches/bases.toml records them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

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

    @property
    def tarball_path(self) -> str:
        """Where the package keeps the source."""
        return f"./usr/src/{self.package}.tar.xz"


@dataclass(frozen=True)
class Base:
    """One supported kernel; `name` is the folder of its series, `commit` may be empty."""

    name: str
    kernel: str
    tag: str
    commit: str
    differs_from_upstream: str
    debian: DebianSource


def load_base(file: Path, name: str = "") -> Base:
    """The base called `name`, or the first one of the file."""
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
        chosen = name or next(iter(tables))
        fields = dict(tables[chosen])
        return Base(name=chosen, debian=DebianSource(**fields.pop("debian")), **fields)
    except (OSError, tomllib.TOMLDecodeError, TypeError, StopIteration) as error:
        raise KtError(f"{file}: {error}", hint="the fields are described in that file") from error
    except KeyError as error:
        raise KtError(f"{file}: no base {error}") from error
