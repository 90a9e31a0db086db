# SPDX-License-Identifier: GPL-2.0
"""Rules for the series: its patches as mails, for checkpatch, git am, b4, and at an export."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from ktlib import branch, mail, maintainers, posting, proc
from ktlib.errors import KtError
from ktlib.git import PROJECT_EMAIL, PROJECT_NAME, git_env
from ktlib.series import LIST_NAME, Series
from ktlib.source import Source
from ktlib.tally import Tally

_CHECKPATCH = ("--strict", "--no-signoff", "--show-types", "--no-summary")
# Asks whether a new file is in MAINTAINERS; `maintained` knows. And whether it is meant that a
# macro evaluates an argument more than once: what wait_event() and its like wait for has to be.
# And what commit 'Fixes:' names; the tree comes from an archive, without Linux' history.
_ANSWERED = "FILE_PATH_CHANGES,MACRO_ARG_REUSE,UNKNOWN_COMMIT_ID"
# 'Control control' of C++ is no slip of the pen.
_NOT_FOR_CXX = "REPEATED_WORD"
_OF_TESTS = re.compile(
    r"^(tools/testing|Documentation)/|^MAINTAINERS$|"
    r"(^|/)(Kconfig[.\w]*|Makefile|\w+_kunit\.c|test_\w+\.[ch])$"
)
# b4 ends without a word where git knows no user.
_USER = {
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "user.name",
    "GIT_CONFIG_VALUE_0": PROJECT_NAME,
    "GIT_CONFIG_KEY_1": "user.email",
    "GIT_CONFIG_VALUE_1": PROJECT_EMAIL,
}


def patches(source: Source, series: Series) -> Tally:
    """Every patch as a mail, and as checkpatch sees it."""
    tally = Tally()
    # checkpatch calls scripts that need modules which only Debian's own python3 has.
    debian_python = proc.clean_env({"PATH": f"/usr/bin:/bin:{os.environ.get('PATH', '')}"})
    for entry, file in zip(series.entries, series.files, strict=True):
        text = mail.read(file)
        tally.add(f"{file.name} as a mail", "\n".join(mail.complaints(text)))
        if entry in series.tests:
            tally.add(f"{file.name}: of tests alone", strays(text))
        ignored = f"{_ANSWERED},{_NOT_FOR_CXX}" if entry.generated else _ANSWERED
        command: list[str | Path] = ["perl", "scripts/checkpatch.pl", *_CHECKPATCH]
        command += ["--ignore", ignored, file]
        done = proc.capture(command, cwd=source.git.top, env=debian_python)
        tally.add(f"{file.name}: checkpatch", done.stdout + done.stderr if done.returncode else "")
    return tally


def strays(patch: str) -> str:
    """What a patch of tests changes that is no test: '' if nothing, as such patches go with every
    part of the series."""
    found = [name for name in mail.touched_files(patch) if not _OF_TESTS.search(name)]
    return f"it comes after the last '# upto:', and changes {', '.join(found)}" if found else ""


def maintained(source: Source, series: Series) -> Tally:
    """Every file that the series adds belongs to a section of MAINTAINERS."""
    tally = Tally()
    tip = branch.imported(source.git, source.base, series)
    added = source.git.call("diff", "--diff-filter=A", "--name-only", source.base, tip).split()
    lost = maintainers.without_section(source.git.call("show", f"{tip}:MAINTAINERS"), added)
    for file in added:
        tally.add(file, "no section of MAINTAINERS but THE REST has it" if file in lost else "")
    return tally


def round_trip(source: Source, series: Series, selftests: Path) -> Tally:
    """git am, then an export: the same bytes; the generated patch is what selftests/ makes."""
    tally = Tally()
    tip = branch.imported(source.git, source.base, series)
    again = branch.exported(source.git, source.base, tip, series.version)
    names = [file.name for file in series.files]
    tally.add("file names", "" if names == list(again) else f"exported as {' '.join(again)}")
    for file in series.files:
        same = again.get(file.name) == mail.read(file)
        tally.add(file.name, "" if same else "an export would change it: kt apply, kt export")
    same = series.text() == (series.folder / LIST_NAME).read_text("utf-8")
    tally.add(LIST_NAME, "" if same else "an export would change it: kt apply, kt export")
    fresh = branch.refreshed(source, tip, series, selftests) == tip
    tally.add("generated patch", "" if fresh else "selftests/ has changed since: kt export")
    return tally


def b4_takes_it(source: Source, series: Series) -> Tally:
    """b4 takes the mbox without a network, and git am what b4 makes of it."""
    tally = Tally()
    if not series.entries:
        return tally
    tip = branch.imported(source.git, source.base, series)
    with tempfile.TemporaryDirectory(prefix="kt-b4-") as name:
        mbox, made_in = Path(name) / "series.mbox", Path(name) / "made"
        posting.write_mbox(posting.mails(source, series, tip), mbox)
        made_in.mkdir()
        environment = git_env({"XDG_CACHE_HOME": name, "XDG_DATA_HOME": name, **_USER})
        command = ["b4", "--offline-mode", "am", "-m", str(mbox), "-o", str(made_in)]
        done = proc.capture(command, cwd=source.git.top, env=environment)
        made = sorted(made_in.glob("*.mbx"))
        complete = done.returncode == 0 and len(made) == 1
        tally.add("b4 am", "" if complete else done.stdout + done.stderr)
        for file in made:
            tally.add("git am of what b4 made", _not_the_tree(source, tip, file))
    return tally


def _not_the_tree(source: Source, tip: str, mbox: Path) -> str:
    """What is wrong when the mails do not make the very tree of `tip`; '' when they do."""
    try:
        made = branch.applied_mails(source.git, source.base, [mbox])
    except KtError as error:
        return f"{error}\n{error.hint}"
    same = source.git.tree_of(made, "") == source.git.tree_of(tip, "")
    return "" if same else "the result is another tree than the series makes"
