# SPDX-License-Identifier: GPL-2.0
"""Kernel configurations from fragments, and the proof that Kconfig took them.

A fragment asks; Kconfig silently drops what has unmet dependencies. So the result is compared with
every single line that was asked for, and what is missing is an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ktlib.errors import KtError
from ktlib.outcome import Outcome

_SET = re.compile(r"^CONFIG_(\w+)=(.+)$")
_UNSET = re.compile(r"^# CONFIG_(\w+) is not set$")


def parse(text: str, name: str) -> dict[str, str]:
    """Option (without CONFIG_) -> value, 'n' for 'is not set'; `name` is for messages."""
    options: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        found = _SET.match(line) or _UNSET.match(line)
        if not found:
            if line and not line.startswith("#"):
                raise KtError(f"{name}:{number}: '{line}' is not a line of a kernel configuration")
            continue
        option = found[1]
        if option in options:
            raise KtError(f"{name}:{number}: CONFIG_{option} is there twice")
        options[option] = found[2] if found.re is _SET else "n"
    return options


def is_sorted(text: str) -> bool:
    """Whether the options of a fragment are in order, which keeps merges of them easy."""
    options = [
        found[1] for line in text.splitlines() if (found := _SET.match(line) or _UNSET.match(line))
    ]
    return options == sorted(options)


def merged(fragments: Iterable[Path]) -> dict[str, str]:
    """All fragments together; KtError when two of them want different values."""
    wanted: dict[str, str] = {}
    origin: dict[str, Path] = {}
    for fragment in fragments:
        if not fragment.is_file():
            raise KtError(
                f"there is no fragment {fragment}", hint="see kernel-config/scenarios.toml"
            )
        for option, value in parse(fragment.read_text("utf-8"), str(fragment)).items():
            if wanted.get(option, value) != value:
                raise KtError(
                    f"CONFIG_{option} is {value} in {fragment} and {wanted[option]} in "
                    f"{origin[option]}",
                    hint="a profile takes one or the other: kernel-config/scenarios.toml",
                )
            wanted[option], origin[option] = value, fragment
    return wanted


def replaced(wanted: Mapping[str, str], instead: Mapping[str, str]) -> dict[str, str]:
    """What to ask a tree for that has other options: `instead` has for such an option the line that
    takes its place, '' for none."""
    lines = [instead[option] for option in wanted if option in instead]
    others = {option: value for option, value in wanted.items() if option not in instead}
    return others | parse("\n".join(lines), "patches/bases.toml")


def rendered(options: Mapping[str, str]) -> str:
    """The options as a file that KCONFIG_ALLCONFIG takes."""
    lines = [
        f"# CONFIG_{name} is not set" if value == "n" else f"CONFIG_{name}={value}"
        for name, value in sorted(options.items())
    ]
    return "".join(f"{line}\n" for line in lines)


def dropped(wanted: Mapping[str, str], got: Mapping[str, str]) -> list[str]:
    """What was asked for and not obtained, as 'CONFIG_X=y (is n)'."""
    return [
        f"CONFIG_{name}={value} (is {got.get(name, 'n')})"
        for name, value in sorted(wanted.items())
        if got.get(name, "n") != value
    ]


def require(wanted: Mapping[str, str], config: Path) -> None:
    """KtError that names every option of `wanted` that `config` does not have."""
    lacking = dropped(wanted, parse(config.read_text("utf-8"), str(config)))
    if lacking:
        raise KtError(
            f"Kconfig dropped {len(lacking)} options: {', '.join(lacking)}",
            hint="look at their 'depends on' in the source, then mend kernel-config/",
            outcome=Outcome.BUILD_FAIL,
        )


def defined(options: Iterable[str], kconfigs: Sequence[str]) -> set[str]:
    """Those of the options that the given Kconfig texts define."""
    names = "|".join(map(re.escape, options)) or "(?!)"
    definition = re.compile(rf"^\s*(?:menu)?config ({names})$", re.MULTILINE)
    return {found for text in kconfigs for found in definition.findall(text)}
