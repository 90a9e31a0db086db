# SPDX-License-Identifier: GPL-2.0
"""Patches as mails: headers that are the same at every export, the cover letter, one mbox."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ktlib.errors import KtError
from ktlib.git import PROJECT_EMAIL, PROJECT_NAME

_DOMAIN = "f-revoke.invalid"
_FROM_LINE = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001"
_SUBJECT_PREFIX = re.compile(r"^\[[^]]*\]\s*")
SUBJECT_LIMIT = 75


def subject_prefix(version: int) -> str:
    """What format-patch puts between the brackets, without the numbers."""
    return "PATCH" if version == 1 else f"PATCH v{version}"


def message_id(version: int, number: int) -> str:
    """The same for a patch at every export; number 0 is the cover letter."""
    return f"<f_revoke-v{version}-{number:04}@{_DOMAIN}>"


def read(file: Path) -> str:
    """The text of a patch; bytes of the kernel that are not UTF-8 survive `write`."""
    return file.read_text("utf-8", "surrogateescape")


def write(file: Path, text: str) -> None:
    """The opposite of `read`."""
    file.write_text(text, "utf-8", "surrogateescape")


def threaded(patch: str, version: int, number: int) -> str:
    """A patch of format-patch with the headers that make a thread of the series.

    The subject becomes one line, as b4 0.12 cannot take a folded one.
    """
    first, _, rest = _unfolded(patch, "Subject").partition("\n")
    cover = message_id(version, 0)
    headers = [
        f"Message-ID: {message_id(version, number)}",
        f"In-Reply-To: {cover}",
        f"References: {cover}",
    ]
    return "\n".join([first, *headers, rest])


@dataclass(frozen=True)
class Cover:
    """The cover letter: its first line is the title, the rest after an empty line the text."""

    title: str
    body: str

    @classmethod
    def parse(cls, text: str) -> Cover:
        """From the text of cover-letter.txt."""
        title, _, body = text.partition("\n")
        if not title.strip() or (body and not body.startswith("\n")):
            raise KtError("cover-letter.txt: wanted are a title, an empty line, the text")
        return cls(title.strip(), body.strip("\n"))

    def mail(self, version: int, patches: Sequence[str], summary: str, base_commit: str) -> str:
        """The mail that opens the thread; its date is that of the last patch."""
        prefix = f"[{subject_prefix(version)} 0/{len(patches)}]"
        headers = [
            _FROM_LINE,
            f"Message-ID: {message_id(version, 0)}",
            f"From: {PROJECT_NAME} <{PROJECT_EMAIL}>",
            f"Date: {header(patches[-1], 'Date')}",
            f"Subject: {prefix} {self.title}",
        ]
        parts = [self.body, summary]
        if base_commit:
            parts.append(f"base-commit: {base_commit}")
        return "\n".join(headers) + "\n\n" + "\n\n".join(parts) + "\n"


def header(patch: str, name: str) -> str:
    """The value of a header with its folded lines joined; '' when it is not there."""
    head = _unfolded(patch.split("\n\n", 1)[0], name)
    found = re.search(rf"^{name}: (.*)", head, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


def _unfolded(patch: str, name: str) -> str:
    """The patch with one header on one line."""
    folded = re.compile(rf"^{name}:.*(?:\n[ \t].*)+", re.MULTILINE | re.IGNORECASE)
    return folded.sub(lambda found: re.sub(r"\n[ \t]+", " ", found[0]), patch, count=1)


def title(patch: str) -> str:
    """The subject without the brackets."""
    return _SUBJECT_PREFIX.sub("", header(patch, "Subject"))


def complaints(patch: str) -> list[str]:
    """What is wrong with a patch as a mail, independent of any tree."""
    found = [
        f"no {name} header"
        for name in ("From", "Date", "Subject", "Message-ID")
        if not header(patch, name)
    ]
    message = _message(patch)
    if len(title(patch)) > SUBJECT_LIMIT:
        found.append(f"subject of {len(title(patch))} characters; {SUBJECT_LIMIT} are allowed")
    if not own_text(patch).isascii():
        found.append("not plain ASCII in subject, message or an added line")
    if "\r" in patch:
        found.append("carriage returns")
    if "\nGIT binary patch" in patch:
        found.append("a binary patch")
    if re.search(r"^From ", message, re.MULTILINE):
        found.append("a line of the message begins with 'From ', which ends a mail in an mbox")
    if re.search(r"^Signed-off-by:", message, re.MULTILINE):
        found.append("a Signed-off-by, which only the sender adds (kt export --signoff)")
    return found


def own_text(patch: str) -> str:
    """What of a patch its author wrote: subject, message and added lines, not the kernel's."""
    added = re.findall(r"^\+(?!\+\+ )(.*)$", patch, re.MULTILINE)
    return "\n".join([title(patch), _message(patch), *added]) + "\n"


def _message(patch: str) -> str:
    return patch.split("\n---\n", 1)[0].partition("\n\n")[2]


def mbox(mails: Sequence[str]) -> str:
    """One mbox of mails that each begin with their From_ line."""
    return "\n".join(mail.rstrip("\n") + "\n" for mail in mails)


def touched_files(patch: str) -> list[str]:
    """All paths that a patch reads or writes, sorted."""
    pairs = re.findall(r"^diff --git a/(\S+) b/(\S+)$", patch, re.MULTILINE)
    return sorted({path for pair in pairs for path in pair})
