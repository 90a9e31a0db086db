# SPDX-License-Identifier: GPL-2.0
"""Reads the KTAP that a guest sends, line by line, and says what is wrong with it.

A document's lines share a prefix, and a longer prefix is a nested document: two or four spaces
in KTAP, '# ' where the kselftest runner passes on what a test printed. What a line belongs to is
thus seen from its prefix alone; lines that are none of KTAP's are tolerated anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

_VERSION = re.compile(r"((?:\s|# )*)K?TAP version \d+\s*$")
_PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*(.*))?$")
_RESULT = re.compile(r"(ok|not ok) +(\d+)\b *(?:- )?([^#]*)(?:#\s*(.*))?$")
_BAIL_OUT = re.compile(r"Bail out!\s*(.*)$")
_SUBTEST = re.compile(r"# Subtest: (.+)$")
_KSELFTEST = re.compile(r"(?:# )?selftests: ([^:]+): (.+)$")
_DONE = re.compile(r"# f_revoke: done (\d+)$")
_MAX_DIAGNOSTICS = 100


class Status(Enum):
    """What became of a test."""

    PASS = "passed"
    FAIL = "failed"
    SKIP = "skipped"
    XFAIL = "failed as expected"
    TIMEOUT = "timed out"
    ERROR = "came to no result"

    @property
    def is_bad(self) -> bool:
        """Whether the run cannot be good any more."""
        return self in (Status.FAIL, Status.TIMEOUT, Status.ERROR)


_DIRECTIVES = {
    "SKIP": Status.SKIP,
    "XFAIL": Status.XFAIL,
    "TODO": Status.XFAIL,
    "TIMEOUT": Status.TIMEOUT,
    "ERROR": Status.ERROR,
}


@dataclass(frozen=True)
class TestResult:
    """One test: `name` is unique in the run, parts joined by '.'; `note` is what followed the '#';
    `diagnostics` the lines before; `line` counts from 1."""

    name: str
    status: Status
    note: str
    diagnostics: tuple[str, ...]
    line: int

    @property
    def ok(self) -> bool:
        """Whether it is nothing to worry about."""
        return not self.status.is_bad


@dataclass(frozen=True)
class Document:
    """All that a guest reported. `errors` are faults of the document itself, `done` is the
    number of suites in the token that only a complete run writes, None without it."""

    tests: tuple[TestResult, ...]
    errors: tuple[str, ...]
    done: int | None


@dataclass
class Node:
    """A result line with what was nested above it."""

    parts: tuple[str, ...]
    status: Status
    note: str
    line: int
    diagnostics: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its own part of the full name."""
        return ".".join(self.parts)

    def leaves(self) -> Iterator[Node]:
        """The tests proper."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass
class _Level:
    """A document that is still open; with `before` results of those that it carries on."""

    prefix: str
    line: int
    parts: tuple[str, ...] = ()
    is_kunit: bool = False
    before: int = 0
    plan: int | None = None
    skipped: str | None = None
    nodes: list[Node] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)
    announced: tuple[str, ...] = ()


class Parser:
    """Feed it lines as they come, then finish()."""

    def __init__(self) -> None:
        self._root = _Level(prefix="", line=0)
        self._levels: list[_Level] = []
        self._errors: list[str] = []
        self._line = 0
        self._done: int | None = None

    @property
    def running(self) -> str:
        """Name of what is going on, as far as it was announced."""
        parts = [part for level in self._levels[1:] for part in level.parts]
        last = self._levels[-1].announced if self._levels else ()
        return ".".join([*parts, *last])

    def feed(self, line: str) -> Node | None:
        """Take the next line; a test or suite that it completes is returned."""
        self._line += 1
        line = line.rstrip()
        version = _VERSION.match(line)
        if version:
            self._open(version.group(1))
            return None
        done = _DONE.match(line)
        if done:
            self._done = int(done.group(1))
            return None
        owner = self._owner(line)
        return self._take(owner, line[len(owner.prefix) :]) if owner else None

    def finish(self) -> Document:
        """The whole, after the last line."""
        if not self._levels:
            return Document((), ("nothing that looks like KTAP",), self._done)
        self._abandon_above(self._root)
        self._check_plan(self._root)
        if self._done is not None and self._done != len(self._root.nodes):
            self._error(f"the guest says {self._done} suites, {len(self._root.nodes)} were seen")
        results = _unique(list(self._results(self._root.nodes, ())))
        return Document(tuple(results), tuple(self._errors), self._done)

    def _error(self, text: str, line: int | None = None) -> None:
        self._errors.append(f"line {self._line if line is None else line}: {text}")

    def _owner(self, line: str) -> _Level | None:
        fitting = (level for level in reversed(self._levels) if line.startswith(level.prefix))
        return next(fitting, None)

    def _open(self, prefix: str) -> None:
        if not self._levels:
            self._root = _Level(prefix, self._line)
            self._levels.append(self._root)
            return
        parents = [level for level in self._levels if _is_inside(prefix, level.prefix)]
        if not parents:
            self._error("a second document starts")
            return
        if self._carries_on(prefix):
            return
        self._abandon_above(parents[-1])
        parts = parents[-1].announced
        parents[-1].announced = ()
        self._levels.append(_Level(prefix, self._line, parts))

    def _carries_on(self, prefix: str) -> bool:
        """Whether the last document is complete, and the next one belongs with it: run_kselftest.sh
        of older kernels writes one for each folder."""
        last = self._levels[-1]
        if len(self._levels) != 2 or last.prefix != prefix or last.plan is None:
            return False
        if last.plan != len(last.nodes) or last.plan == last.before:
            return False
        last.before, last.plan = last.plan, None
        return True

    def _take(self, level: _Level, text: str) -> Node | None:
        plan = _PLAN.match(text)
        if plan:
            self._take_plan(level, int(plan.group(1)), plan.group(2))
            return None
        result = _RESULT.match(text)
        if result:
            return self._take_result(level, *result.groups())
        bail_out = _BAIL_OUT.match(text)
        if bail_out:
            self._error(f"bailed out: {bail_out.group(1) or 'no reason given'}")
        subtest = _SUBTEST.match(text)
        if subtest:
            level.parts, level.is_kunit = (subtest.group(1),), True
        kselftest = _KSELFTEST.match(text)
        if kselftest:
            level.announced = kselftest.group(1, 2)
            if level is not self._root:
                level.parts = ("kselftest",)
        if len(level.diagnostics) < _MAX_DIAGNOSTICS:
            level.diagnostics.append(text)
        return None

    def _take_plan(self, level: _Level, count: int, remark: str | None) -> None:
        if level.plan is not None:
            self._error("a second plan")
        level.plan = level.before + count
        if remark and remark.upper().startswith("SKIP"):
            level.skipped = remark[len("SKIP") :].strip()

    def _take_result(
        self, level: _Level, verdict: str, number: str, text: str, remark: str | None
    ) -> Node:
        nested = self._close_above(level)
        status, note = _judge(verdict == "ok", remark or "")
        if nested and not status.is_bad:
            self._check_plan(nested)
        expected = len(level.nodes) + 1 - level.before
        if int(number) != expected:
            self._error(f"result {number} where {expected} is due")
        node = Node(_parts(text.strip(), note, expected), status, note, self._line)
        node.diagnostics, level.diagnostics = level.diagnostics, []
        if nested:
            node.children = nested.nodes
            node.diagnostics += nested.diagnostics
            if nested.skipped is not None and not node.status.is_bad:
                node.status, node.note = Status.SKIP, nested.skipped
        level.announced = ()
        level.nodes.append(node)
        return node

    def _close_above(self, level: _Level) -> _Level | None:
        """Close what is nested in `level`; the outermost of it, which its next result is about."""
        nested = None
        while self._levels[-1] is not level:
            if nested:
                _keep_unfinished(nested, self._levels[-1])
            nested = self._levels.pop()
        return nested

    def _abandon_above(self, level: _Level) -> None:
        """Close what is nested in `level` and will never get a result."""
        nested = self._close_above(level)
        if nested:
            _keep_unfinished(nested, level)

    def _check_plan(self, level: _Level) -> None:
        where = f" in {'.'.join(level.parts)}" if level.parts else ""
        if level.plan is None:
            # KUnit does not know beforehand how many parameters a test will get.
            if not level.is_kunit:
                self._error(f"no plan{where}", level.line)
        elif level.plan != len(level.nodes):
            self._error(f"{level.plan} tests planned{where}, {len(level.nodes)} seen", level.line)
        elif level.plan == level.before and level.skipped is None:
            self._error(f"no tests{where}", level.line)

    def _results(self, nodes: Iterable[Node], path: tuple[str, ...]) -> Iterator[TestResult]:
        for node in nodes:
            parts = (*path, *node.parts)
            inner = list(self._results(node.children, parts))
            yield from inner
            has_bad = any(result.status.is_bad for result in inner)
            if has_bad and not node.status.is_bad:
                self._error(f"{'.'.join(parts)} is ok, although a test in it is not", node.line)
            # A suite stands for its tests, unless it has more to say than they have.
            says_more = node.status.is_bad and not (has_bad and node.status is Status.FAIL)
            if not node.children or says_more:
                yield _result(node, parts)


def parse(lines: Iterable[str]) -> Document:
    """A whole document at once."""
    parser = Parser()
    for line in lines:
        parser.feed(line)
    return parser.finish()


def _keep_unfinished(inner: _Level, outer: _Level) -> None:
    """What was nested becomes part of `outer`, as something that has no result of its own."""
    parts = inner.parts or (f"suite {len(outer.nodes) + 1}",)
    node = Node(parts, Status.ERROR, "cut short", inner.line, inner.diagnostics, inner.nodes)
    outer.nodes.append(node)


def _is_inside(prefix: str, outer: str) -> bool:
    return prefix.startswith(outer) and len(prefix) > len(outer)


def _judge(ok: bool, remark: str) -> tuple[Status, str]:
    word, _, rest = remark.partition(" ")
    status = _DIRECTIVES.get(word.upper())
    if status:
        return status, rest.strip()
    return Status.PASS if ok else Status.FAIL, remark.strip()


def _parts(text: str, note: str, number: int) -> tuple[str, ...]:
    """The name's parts; kselftest.h puts the name of a skipped test behind the directive."""
    kselftest = _KSELFTEST.match(text)
    if kselftest:
        return kselftest.group(1, 2)
    return (text or note or f"test {number}",)


def _result(node: Node, parts: tuple[str, ...]) -> TestResult:
    return TestResult(".".join(parts), node.status, node.note, tuple(node.diagnostics), node.line)


def _unique(results: list[TestResult]) -> Iterator[TestResult]:
    """The same name a second time gets a number, so that each names one test."""
    seen: dict[str, int] = {}
    for result in results:
        count = seen[result.name] = seen.get(result.name, 0) + 1
        yield result if count == 1 else replace(result, name=f"{result.name} ({count})")
