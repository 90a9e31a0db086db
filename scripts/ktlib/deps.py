# SPDX-License-Identifier: GPL-2.0
"""Which Debian packages each purpose needs, and getting them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ktlib import proc
from ktlib.errors import KtError
from ktlib.ui import Ui

PACKAGES: dict[str, tuple[str, ...]] = {
    "source": ("debian-archive-keyring", "git", "tar", "xz-utils"),
    "build": (
        "bc",
        "bison",
        "ccache",
        "flex",
        "gcc",
        "kmod",
        "libc6-dev",
        "libelf-dev",
        "make",
        "perl",
    ),
    "selftests": (
        "g++",
        "libcli11-dev",
        "libfmt-dev",
        "liburing-dev",
        "nlohmann-json3-dev",
        "rsync",
    ),
    "harness": ("libgtest-dev",),
    "bench": ("dwarves",),
    "userspace": ("patch",),
    "bisect": ("sparse",),
    "image": ("busybox-static",),
    "rootfs": ("e2fsprogs", "fakeroot", "mmdebstrap", "qemu-utils", "uidmap"),
    "regress": ("bash-static", "libcap-dev", "libnuma-dev"),
    "run": ("qemu-system-x86",),
    "models": ("spin",),
    "check": (
        "b4",
        "black",
        "clang-format",
        "coccinelle",
        "codespell",
        "flake8",
        "libpython3-dev",
        "libxml2-utils",
        "mypy",
        "python3-git",
        "python3-jsonschema",
        "python3-ply",
        "python3-pytest",
        "python3-sphinx",
        "python3-yaml",
        "shellcheck",
    ),
}
"""Purpose -> packages of Debian 12, beyond what makes a machine Debian.

libpython3-dev: coccinelle loads libpython3.N.so for rules that are written in Python.
"""

BENCH_PURPOSES = ("source", "build", "selftests", "image", "run", "bench")
"""What it takes to measure what the series costs."""

RUN_PURPOSES = ("source", "build", "selftests", "image", "run")
"""What it takes to come from nothing to a verdict."""

_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "--no-remove")


def packages_for(purposes: Iterable[str]) -> list[str]:
    """Sorted names of all packages that the purposes need."""
    return sorted({package for purpose in purposes for package in PACKAGES[purpose]})


def installed(status: str) -> set[str]:
    """Names from dpkg-query lines 'name status-abbreviation' that are properly installed."""
    words = (line.split() for line in status.splitlines())
    return {word[0].split(":")[0] for word in words if len(word) == 2 and word[1] == "ii"}


def missing(purposes: Iterable[str]) -> list[str]:
    """Packages of the purposes that are not installed."""
    wanted = packages_for(purposes)
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Abbrev}\n", *wanted]
    present = installed(proc.capture(query).stdout)
    return [package for package in wanted if package not in present]


def ensure(purposes: Iterable[str], log: Path, ui: Ui) -> None:
    """Install what is missing when root; otherwise stop with the one line that does it."""
    if shutil.which("dpkg-query") is None:
        ui.warn("not a Debian system: whether the tools are all there cannot be checked")
        return
    absent = missing(purposes)
    if not absent:
        return
    if os.geteuid() != 0:
        line = f"sudo apt-get install --no-install-recommends {' '.join(absent)}"
        raise KtError(f"{len(absent)} packages are missing", hint=line)
    with ui.step(f"install {len(absent)} packages") as step:
        ui.info(" ".join(absent))
        environment = proc.clean_env({"DEBIAN_FRONTEND": "noninteractive"})
        retries = ("-o", "Acquire::Retries=3")
        for command in (["apt-get", "update", *retries], [*_INSTALL, *retries, *absent]):
            code = proc.follow(command, log=log, on_line=step.progress, env=environment)
            if code != 0:
                raise KtError(
                    f"'{proc.shown(command)}' failed ({code})",
                    hint=f"see {log}; is the mirror in /etc/apt reachable?",
                )
