# SPDX-License-Identifier: GPL-2.0
"""Tools over our own files: unit tests, formatters, linters, spelling, config fragments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ktlib import kconfig, mail, proc, range_diff
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.paths import Paths
from ktlib.scenarios import load_profiles
from ktlib.tally import Tally

_CXX = ("*.cc", "*.hh")
_PYTHON = ("/usr/bin/python3", "-B", "-m")
_SHOWN = 40


def unit_tests(paths: Paths) -> Tally:
    """pytest of scripts/tests; every test counts."""
    command = [*_PYTHON, "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = proc.capture(command, cwd=paths.scripts)
    words = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (\w+)", words[-1])}
    failed = sum(counts.get(what, 0) for what in ("failed", "error", "errors"))
    if done.returncode != 0:
        failed = max(failed, 1)
    return Tally(counts.get("passed", 0), failed, words[-_SHOWN:] if failed else [])


def python_style(paths: Paths) -> Tally:
    """black, flake8 and mypy --strict over scripts/."""
    caches = {"MYPY_CACHE_DIR": str(paths.out / "mypy"), "XDG_CACHE_HOME": str(paths.out)}
    commands = (
        ("black", "--quiet", "--check", "--diff", "--line-length", "100", ".", "kt"),
        ("flake8", ".", "kt"),
        ("mypy", "--config-file", "mypy.ini"),
    )
    return Tally.sum(_tool([*_PYTHON, *words], paths.scripts, caches) for words in commands)


def shell_style(paths: Paths) -> Tally:
    """shellcheck over every shell script."""
    scripts = [file for file in _own_files(paths.top) if _is_shell(file)]
    return Tally.sum(_tool(["shellcheck", file], paths.top) for file in scripts)


def cxx_style(paths: Paths) -> Tally:
    """clang-format over the C++ of the selftests and the harness."""
    folders = (paths.selftests, paths.top / "harness")
    files = [
        file
        for file in _own_files(paths.top)
        if any(file.is_relative_to(folder) for folder in folders)
        and any(file.match(pattern) for pattern in _CXX)
    ]
    if not files:
        return Tally()
    return _tool(["clang-format", "--dry-run", "-Werror", *files], paths.top)


def spelling(paths: Paths) -> Tally:
    """codespell over all we wrote; logs of real boots are not ours, nor is all of a patch, and
    what compares patches cuts words."""
    foreign = {"testdata", range_diff.PAGE}
    own = [file for file in _own_files(paths.top) if foreign.isdisjoint(file.parts)]
    files = [file for file in own if file.suffix != ".patch"]
    command: list[str | Path] = ["codespell", "--ignore-words", paths.scripts / ".codespell-ignore"]
    tally = _tool([*command, *files], paths.top)
    for file in own:
        if file.suffix == ".patch":
            done = proc.capture([*command, "-"], stdin=mail.own_text(mail.read(file)))
            tally.add(file.name, done.stdout if done.returncode else "")
    return tally


def fragments(paths: Paths) -> Tally:
    """Config fragments are sorted and fit together in every profile."""
    tally = Tally()
    for file in sorted(paths.kernel_config.glob("*.config")):
        text = file.read_text("utf-8")
        tally.add(file.name, "" if kconfig.is_sorted(text) else "the options are not sorted")
    for profile in load_profiles(paths.kernel_config).values():
        try:
            kconfig.merged([*profile.fragments, *profile.series_fragments])
            tally.add(f"profile {profile.name}")
        except KtError as error:
            tally.add(f"profile {profile.name}", str(error))
    return tally


def _tool(command: Sequence[str | Path], cwd: Path, env: dict[str, str] | None = None) -> Tally:
    """A program that says with its exit code whether all is well."""
    tally = Tally()
    done = proc.capture(command, cwd=cwd, env=proc.clean_env(env))
    name = proc.shown([word for word in command[:4] if word not in _PYTHON])
    words = (done.stdout + done.stderr).strip() or f"exit code {done.returncode}"
    tally.add(name, words if done.returncode else "")
    return tally


def _own_files(top: Path) -> list[Path]:
    """All files of the project that git does not ignore, committed or not."""
    listed = Git(top).call("ls-files", "--cached", "--others", "--exclude-standard")
    files = (top / name for name in listed.splitlines())
    return [file for file in files if file.is_file() and not file.is_symlink()]


def _is_shell(file: Path) -> bool:
    with file.open("rb") as content:
        first = content.readline()
    return file.suffix == ".sh" or bool(re.match(rb"#!.*\b(ba|da)?sh\b", first))
