# SPDX-License-Identifier: GPL-2.0
"""The series as it is posted: one mbox with its cover letter, signed off by whoever sends it."""

from __future__ import annotations

import re
from pathlib import Path

from ktlib import branch, mail
from ktlib.errors import KtError
from ktlib.series import Series
from ktlib.source import Source


def parse_identity(text: str) -> tuple[str, str]:
    """'Name <mail>' as (name, mail)."""
    found = re.fullmatch(r"\s*([^<>]*[^<>\s])\s*<([^<>\s]+@[^<>\s]+)>\s*", text)
    if not found:
        raise KtError(f"'{text}' is not an identity", hint="wanted: --signoff 'Name <mail>'")
    return found[1], found[2]


def mails(
    source: Source, series: Series, tip: str, signoff: tuple[str, str] | None = None
) -> dict[str, str]:
    """File name -> mail, the cover letter (if there is one) first."""
    patches = branch.exported(source.git, source.base, tip, series.version, signoff)
    if not patches or not series.cover.is_file():
        return patches
    cover = mail.Cover.parse(series.cover.read_text("utf-8"))
    summary = branch.summary(source.git, source.base, tip)
    text = cover.mail(series.version, list(patches.values()), summary, source.base_commit)
    return {"0000-cover-letter.patch": text, **patches}


def write_mbox(content: dict[str, str], target: Path) -> None:
    """All mails in one file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    mail.write(target, mail.mbox(list(content.values())))


def write_folder(content: dict[str, str], target: Path) -> None:
    """Each mail in a file of its own, as git send-email wants them."""
    target.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        mail.write(target / name, text)
