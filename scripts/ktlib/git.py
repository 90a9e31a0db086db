# SPDX-License-Identifier: GPL-2.0
"""git with nothing of the user's configuration, so that hashes and patches are reproducible."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ktlib import proc
from ktlib.errors import KtError

PROJECT_NAME = "f_revoke project"
PROJECT_EMAIL = "f_revoke@f-revoke.invalid"


def git_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Fixed committer and author, no configuration files, no questions."""
    fixed = {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": PROJECT_NAME,
        "GIT_AUTHOR_EMAIL": PROJECT_EMAIL,
        "GIT_COMMITTER_NAME": PROJECT_NAME,
        "GIT_COMMITTER_EMAIL": PROJECT_EMAIL,
        "TZ": "UTC",
    }
    return proc.clean_env({**fixed, **(extra or {})})


@dataclass(frozen=True)
class Git:
    """A repository, worked on through its top folder."""

    top: Path

    def command(self, *words: str | Path) -> list[str | Path]:
        """The full command line of one git call."""
        safe = ("-c", "safe.directory=*", "-c", "gc.auto=0", "-c", "advice.detachedHead=false")
        return ["git", *safe, "-C", self.top, *words]

    def call(
        self,
        *words: str | Path,
        env: Mapping[str, str] | None = None,
        stdin: str | bytes | None = None,
    ) -> str:
        """Output of a git command that has to succeed, without the last newline."""
        return proc.output(self.command(*words), env=git_env(env), stdin=stdin).rstrip("\n")

    def attempt(
        self, *words: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A git command that may fail."""
        return proc.capture(self.command(*words), env=git_env(env))

    def commit_of(self, name: str) -> str | None:
        """The commit that `name` stands for, None when there is none."""
        found = self.attempt("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return found.stdout.strip() or None

    def commits(self, base: str, tip: str) -> list[str]:
        """Commits after `base` up to `tip`, oldest first; KtError when there are merges."""
        if self.call("rev-list", "--merges", f"{base}..{tip}"):
            raise KtError(
                f"the branch has merges between {base[:12]} and {tip[:12]}",
                hint="a series is linear: rebase it",
            )
        return self.call("rev-list", "--reverse", f"{base}..{tip}").split()

    def is_clean(self) -> bool:
        """No tracked file differs from the commit that is checked out."""
        return self.call("status", "--porcelain", "--untracked-files=no") == ""

    def tree_of(self, commit: str, folder: str) -> str | None:
        """Hash of a folder in a commit; None when the commit has no such folder."""
        found = self.attempt("rev-parse", "--verify", "--quiet", f"{commit}:{folder}")
        return found.stdout.strip() or None

    def set_config(self, settings: Sequence[tuple[str, str]]) -> None:
        """Settings of this repository."""
        for key, value in settings:
            self.call("config", key, value)
