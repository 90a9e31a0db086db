# SPDX-License-Identifier: GPL-2.0
"""Who looks after a file, by the kernel's MAINTAINERS; answers what checkpatch can only ask."""

from __future__ import annotations

import re

_CATCH_ALL = {"*", "*/"}


def _pattern(text: str) -> re.Pattern[str]:
    """An F: line as get_maintainer reads it: '*' stays inside a folder, 'x/' is all below x."""
    words = re.escape(text).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return re.compile(words + (".*" if text.endswith("/") else ""))


def without_section(maintainers: str, files: list[str]) -> list[str]:
    """Those files that no F: line of a section other than THE REST covers."""
    lines = re.findall(r"^F:\s*(\S+)", maintainers, re.MULTILINE)
    patterns = [_pattern(line) for line in lines if line not in _CATCH_ALL]
    return [file for file in files if not any(known.fullmatch(file) for known in patterns)]
