# SPDX-License-Identifier: GPL-2.0
"""The one exception that ends a verb with a message instead of a traceback."""

from __future__ import annotations

from ktlib.outcome import Outcome


class KtError(Exception):
    """Something the user can understand and mend.

    ``str(error)`` is one line that says what is wrong; ``hint`` says how to mend it (may be
    empty, may have several lines); ``outcome`` decides the exit code.
    """

    def __init__(self, message: str, *, hint: str = "", outcome: Outcome = Outcome.INFRA) -> None:
        super().__init__(message)
        self.hint = hint
        self.outcome = outcome
