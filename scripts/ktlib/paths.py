# SPDX-License-Identifier: GPL-2.0
"""Every folder the tools use, in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """Folders of one checkout (`top`) and of the user's cache (`cache`), all absolute."""

    top: Path
    cache: Path

    @classmethod
    def of_checkout(cls, environ: Mapping[str, str] = os.environ) -> Paths:
        """The folders of the checkout that this file lies in."""
        caches = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return cls(top=Path(__file__).resolve().parents[2], cache=Path(caches) / "f_revoke")

    @property
    def patches(self) -> Path:
        """The series of each base, and bases.toml."""
        return self.top / "patches"

    @property
    def kernel_config(self) -> Path:
        """Config fragments and scenarios.toml."""
        return self.top / "kernel-config"

    @property
    def selftests(self) -> Path:
        """Kselftest folders; the source of the generated patch."""
        return self.top / "selftests"

    @property
    def models(self) -> Path:
        """Promela models, and models.toml."""
        return self.top / "harness" / "models"

    @property
    def userspace(self) -> Path:
        """fs/revoke.c as a program, and its mutants."""
        return self.top / "harness" / "userspace"

    @property
    def bench(self) -> Path:
        """The programs that measure, the bounds, and the baseline."""
        return self.top / "harness" / "bench"

    @property
    def notes(self) -> Path:
        """For maintainers: what changes for whom."""
        return self.top / "MAINTAINERS-notes"

    @property
    def scripts(self) -> Path:
        """kt itself, its tests and the guest's init."""
        return self.top / "scripts"

    @property
    def schemas(self) -> Path:
        """What the reports of a run have to look like."""
        return self.scripts / "schemas"

    @property
    def out(self) -> Path:
        """Everything made by the tools; may be deleted at any time."""
        return self.top / "out"

    @property
    def sources(self) -> Path:
        """Imported kernel trees."""
        return self.out / "src"

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.out / "runs"

    def build(self, key: str) -> Path:
        """The O= folder of a kernel; `key` names profile and, for a foreign source, the source."""
        return self.out / "build" / key

    def image(self, key: str) -> Path:
        """The initramfs that goes with a build."""
        return self.out / "image" / f"{key}.cpio.gz"
