# SPDX-License-Identifier: GPL-2.0
"""The page of recipients, with a script in the place of get_maintainer.pl."""

from __future__ import annotations

from pathlib import Path

import pytest

from ktlib import recipients
from ktlib.errors import KtError

_PATCH = "From: A <a@example.org>\nSubject: [PATCH 1/2] proc: a | b\n\ntext\n"


def _tree(tmp_path: Path, script: str) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/get_maintainer.pl").write_text(script)
    return tmp_path


def _patch(tmp_path: Path) -> Path:
    patch = tmp_path / "0001-proc-a-b.patch"
    patch.write_text(_PATCH)
    return patch


def test_lists_come_last_and_those_that_get_all_not_at_all(tmp_path: Path) -> None:
    tree = _tree(
        tmp_path,
        'print "a\\@example.org\\nlinux-kernel\\@vger.kernel.org\\nB <b\\@example.org>\\n";',
    )
    page = recipients.page(tree, [_patch(tmp_path)])
    assert page.endswith("| 0001: proc: a \\| b | B <b@example.org>; a@example.org |\n")


def test_a_patch_without_own_recipients_has_a_row(tmp_path: Path) -> None:
    tree = _tree(tmp_path, 'print "linux-fsdevel\\@vger.kernel.org\\n";')
    assert recipients.page(tree, [_patch(tmp_path)]).endswith("| - |\n")


def test_a_script_that_fails_is_an_error(tmp_path: Path) -> None:
    tree = _tree(tmp_path, 'die "no MAINTAINERS\\n";')
    with pytest.raises(KtError, match="failed on 0001-proc-a-b.patch") as error:
        recipients.page(tree, [_patch(tmp_path)])
    assert error.value.hint == "no MAINTAINERS"
