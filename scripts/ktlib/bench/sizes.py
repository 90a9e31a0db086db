# SPDX-License-Identifier: GPL-2.0
"""Sizes of structures and of text, from the kernels' own files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ktlib import proc
from ktlib.bench.results import BASE, SERIES
from ktlib.errors import KtError

STRUCTS = (
    "cdev",
    "debugfs_fsdata",
    "debugfs_inode_info",
    "file",
    "kernfs_node",
    "kernfs_open_file",
    "kernfs_open_node",
    "miscdevice",
    "pde_opener",
    "proc_dir_entry",
    "revokable",
    "revoke",
    "revoke_file",
)
"""Those that the series adds, changes or takes away, and those that it must not change."""

_STRUCT = re.compile(r"^struct (\w+) \{.*?/\* size: (\d+),", re.MULTILINE | re.DOTALL)
_TOTAL = re.compile(r"^Total: Before=(\d+), After=(\d+)", re.MULTILINE)


def struct_sizes(vmlinux: Path) -> dict[str, int]:
    """Of those of STRUCTS that a kernel has."""
    # One at a time: of several, pahole leaves some out.
    return parse_pahole("".join(proc.output(["pahole", "-C", name, vmlinux]) for name in STRUCTS))


def parse_pahole(text: str) -> dict[str, int]:
    """Name -> bytes."""
    return {name: int(size) for name, size in _STRUCT.findall(text)}


def text_sizes(tree: Path, kernels: Mapping[str, Path]) -> dict[str, Any]:
    """Bytes of functions of both kernels, by the kernel's own bloat-o-meter."""
    meter = tree / "scripts" / "bloat-o-meter"
    return parse_bloat(
        proc.output(["/usr/bin/python3", meter, "-t", kernels[BASE], kernels[SERIES]])
    )


def parse_bloat(text: str) -> dict[str, Any]:
    """The sums, and its first line, which counts symbols."""
    total = _TOTAL.search(text)
    if not total:
        raise KtError("bloat-o-meter did not say what it found", hint=text[-500:])
    return {
        BASE: int(total[1]),
        SERIES: int(total[2]),
        "symbols": text.partition("\n")[0],
    }
