# SPDX-License-Identifier: GPL-2.0
"""Tags of pages, for tests of those who write them."""

from html.parser import HTMLParser


class Tags(HTMLParser):
    """Whether what is opened is closed: `open` has what is not yet."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag
