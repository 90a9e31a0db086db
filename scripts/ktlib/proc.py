# SPDX-License-Identifier: GPL-2.0
"""Running other programs: an environment that nothing leaks into, output kept, errors named."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ktlib.errors import KtError

# What a caller's make, git or kernel work would otherwise pass on to our children.
_FOREIGN = ("ARCH", "CROSS_COMPILE", "LLVM", "INSTALL_PATH", "TARGETS", "CDPATH", "LANGUAGE")
_FOREIGN_PREFIXES = ("MAKE", "MFLAGS", "KBUILD_", "KCONFIG_", "GIT_", "LC_", "KSELFTEST_")

OnLine = Callable[[str], None]
"""Takes one line of a child's output, without its newline."""


def ignore(_line: str) -> None:
    """An OnLine for output that only the log needs."""


def clean_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a child: the user's without what would change its result."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _FOREIGN and not name.startswith(_FOREIGN_PREFIXES)
    }
    return {**kept, "LC_ALL": "C", **(extra or {})}


def shown(command: Sequence[str | Path]) -> str:
    """The command as one could type it."""
    return shlex.join(str(word) for word in command)


def capture(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run to the end and keep the output; the exit code is the caller's to judge.

    Raises KtError when the program does not exist. Undecodable bytes survive a round trip.
    """
    data = stdin.encode("utf-8", "surrogateescape") if isinstance(stdin, str) else stdin or b""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=dict(env) if env is not None else clean_env(),
            input=data,
            capture_output=True,
        )
    except FileNotFoundError as error:
        raise KtError(f"{command[0]} is not installed", hint="make deps") from error
    return subprocess.CompletedProcess(
        done.args, done.returncode, _text(done.stdout), _text(done.stderr)
    )


def output(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes | None = None,
) -> str:
    """Standard output of a command that has to succeed; KtError with its own words otherwise."""
    done = capture(command, cwd=cwd, env=env, stdin=stdin)
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-8:]
        raise KtError(f"'{shown(command)}' failed ({done.returncode})", hint="\n".join(words))
    return done.stdout


def follow(
    command: Sequence[str | Path],
    *,
    log: Path,
    on_line: OnLine,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run, append all output to `log`, hand each line to `on_line`; returns the exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8", errors="surrogateescape") as out:
        out.write(f"$ {shown(command)}\n")
        with subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=dict(env) if env is not None else clean_env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="surrogateescape",
        ) as child:
            try:
                _drain(child.stdout or (), out.write, on_line)
            except BaseException:
                child.terminate()
                raise
    return child.returncode


def _drain(lines: Iterable[str], keep: Callable[[str], object], on_line: OnLine) -> None:
    for line in lines:
        keep(line)
        on_line(line.rstrip("\n"))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
