# SPDX-License-Identifier: GPL-2.0
"""Who has to get which patch, as the tree's get_maintainer.pl says, kept as a page of notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ktlib import mail, proc
from ktlib.errors import KtError

PAGE = "recipients.md"

_COMMAND = ("perl", "scripts/get_maintainer.pl", "--no-git", "--no-git-fallback", "--norolestats")
# Everybody's; and a list that each patch goes to need not be in each row.
_OF_ALL = ("linux-kernel@vger.kernel.org", "linux-fsdevel@vger.kernel.org")
_HEAD = f"""# Who gets what

Written by `make recipients`, from MAINTAINERS of the tree with the series; `make check` says when
it is out of date. The cover letter goes to all of them, and every patch to
{" and ".join(_OF_ALL)}.

| patch | to |
| --- | --- |
"""


def of_patch(tree: Path, patch: Path) -> list[str]:
    """Names with addresses, then lists, of one patch, but for the lists that get all; sorted, as
    the script's order differs from run to run."""
    done = proc.capture([*_COMMAND, patch], cwd=tree)
    if done.returncode != 0:
        raise KtError(f"get_maintainer.pl failed on {patch.name}", hint=done.stderr.strip())
    found = set(done.stdout.splitlines()).difference(_OF_ALL)
    return sorted(found, key=lambda line: ("<" not in line, line))


def page(tree: Path, patches: Sequence[Path]) -> str:
    """The page for these patches."""
    return _HEAD + "".join(_row(patch, of_patch(tree, patch)) for patch in patches)


def _row(patch: Path, recipients: Sequence[str]) -> str:
    cells = (f"{patch.name[:4]}: {mail.title(mail.read(patch))}", "; ".join(recipients) or "-")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
