# SPDX-License-Identifier: GPL-2.0
"""Profiles: how a kernel is configured, booted and how long it may take."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ktlib.errors import KtError

FILE_NAME = "scenarios.toml"
INITRAMFS, DEBIAN = ROOTFS = ("initramfs", "debian")


@dataclass(frozen=True)
class Profile:
    """One table of scenarios.toml; memory in MiB, deadlines in seconds before scaling.

    `series_fragments` ask for options that only the series defines; `kunit_suites` says
    with which option set a KUnit suite has to run; `kselftests` are patterns of
    "folder:program" for kselftests of the kernel's own, to be run in place of the project's.
    `stress_profile` and `stress_duration_s` say how revoke-stress runs, as one of the kselftests.
    `program` is a path in the guest, the only thing to run if it is not empty; `kernel` names the
    profile whose kernel is booted; `icount` is whether its clock counts instructions; `rootfs`
    is what userspace comes from.
    """

    name: str
    about: str
    fragments: tuple[Path, ...]
    series_fragments: tuple[Path, ...]
    kunit_suites: Mapping[str, str]
    kselftests: tuple[str, ...]
    stress_profile: str
    stress_duration_s: float
    program: str
    kernel: str
    icount: bool
    rootfs: str
    append: str
    memory_mb: int
    cpus: int
    boot_deadline_s: float
    silence_deadline_s: float
    total_deadline_s: float

    @property
    def measures(self) -> bool:
        """Whether it is one of `make bench`, whose programs no other image has."""
        return self.program.startswith("/usr/bin/bench-")


def load_run_profiles(kernel_config: Path) -> dict[str, Profile]:
    """Those profiles that `make run` can take."""
    profiles = load_profiles(kernel_config)
    return {name: profile for name, profile in profiles.items() if not profile.measures}


def load_profiles(kernel_config: Path) -> dict[str, Profile]:
    """All profiles by name; what [defaults] says holds for each that does not say otherwise."""
    file = kernel_config / FILE_NAME
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
        defaults = tables.pop("defaults")
        return {
            name: _profile(
                name, {**defaults, **tables.get(table.get("kernel"), {}), **table}, kernel_config
            )
            for name, table in tables.items()
        }
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise KtError(f"{file}: {error}", hint="the fields are described in that file") from error


def find_profile(kernel_config: Path, name: str) -> Profile:
    """One profile; KtError with the names there are."""
    profiles = load_profiles(kernel_config)
    if name not in profiles:
        raise KtError(f"no profile '{name}'", hint=f"profiles: {', '.join(profiles)}")
    return profiles[name]


def _profile(name: str, table: dict[str, Any], folder: Path) -> Profile:
    common = table.pop("common_fragments")
    return Profile(
        name=name,
        about=str(table.pop("about")),
        fragments=_files(folder, [*common, *table.pop("fragments")]),
        series_fragments=_files(folder, table.pop("series_fragments")),
        kunit_suites=dict(table.pop("kunit_suites")),
        kselftests=tuple(table.pop("kselftests")),
        stress_profile=str(table.pop("stress_profile")),
        stress_duration_s=float(table.pop("stress_duration_s")),
        program=str(table.pop("program")),
        kernel=str(table.pop("kernel") or name),
        icount=bool(table.pop("icount")),
        rootfs=_one_of(ROOTFS, table.pop("rootfs")),
        append=" ".join([table.pop("common_append"), table.pop("append")]).strip(),
        memory_mb=int(table.pop("memory_mb")),
        cpus=int(table.pop("cpus")),
        boot_deadline_s=float(table.pop("boot_deadline_s")),
        silence_deadline_s=float(table.pop("silence_deadline_s")),
        total_deadline_s=float(table.pop("total_deadline_s")),
        **table,
    )


def _one_of(choices: tuple[str, ...], word: str) -> str:
    if word not in choices:
        raise ValueError(f"'{word}' is none of {', '.join(choices)}")
    return word


def _files(folder: Path, names: list[str]) -> tuple[Path, ...]:
    return tuple((folder / name).resolve() for name in names)
