# SPDX-License-Identifier: GPL-2.0
"""Finds what a kernel reported about itself on its console.

A report is known by its first line; the rules say which lines those are. They hold for the start
of a message only, so that words like BUG within another message mean nothing.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_TRACE_END = re.compile(r"---\[ end trace")
_TASK_END = re.compile(r" *</(TASK|IRQ)>")
_BANNER = re.compile(r"={20,}")
_PANIC_END = re.compile(r"---\[ end Kernel panic")
_NEXT_MESSAGE = re.compile(r"\S|$")


@dataclass(frozen=True)
class Rule:
    """`start` matches a report's first line; its group 'what', if it has one, fills `title`. The
    line that `end` matches is the last one, or, with `ends_before`, the first that is not part."""

    kind: str
    start: re.Pattern[str]
    title: str
    end: re.Pattern[str]
    ends_before: bool = False


def _rule(kind: str, start: str, title: str, end: re.Pattern[str]) -> Rule:
    return Rule(kind, re.compile(start), title, end, ends_before=end is _NEXT_MESSAGE)


_LOCKDEP = (
    "possible circular locking dependency detected|possible recursive locking detected"
    "|inconsistent lock state|possible irq lock inversion dependency detected"
    r"|\S+-safe -> \S+-unsafe lock order detected|Nested lock was not taken"
    "|bad unlock balance detected!|bad contention detected!|held lock freed!"
    "|lock held when returning to user space!|suspicious RCU usage|chain_key collision"
)

RULES = (
    _rule("sanitizer", r"BUG: (?P<what>K(?:A|C|M)SAN: [\w-]+)", "{}", _BANNER),
    _rule("sanitizer", r"BUG: (?P<what>KFENCE: [\w -]+?)(?: in |$)", "{}", _BANNER),
    _rule("sanitizer", r"UBSAN: (?P<what>[\w-]+)", "UBSAN: {}", _TRACE_END),
    _rule("oops", r"BUG: (?P<what>kernel NULL pointer dereference)", "{}", _TRACE_END),
    _rule("oops", r"BUG: (?P<what>unable to handle page fault)", "{}", _TRACE_END),
    _rule("oops", r"(?:Oops: )+(?P<what>[^,:]+)", "{}", _TRACE_END),
    _rule("bug", r"kernel BUG at ", "kernel BUG", _TRACE_END),
    _rule("warning", r"WARNING: (?:CPU: \d+ PID: \d+ )?(?:\S+:\d+ )?at \S", "WARNING", _TRACE_END),
    _rule("lockdep", rf"WARNING: (?P<what>{_LOCKDEP})", "{}", _TASK_END),
    _rule("lockdep", r"WARNING: .* (?P<what>still has locks held!)", "{}", _TASK_END),
    _rule("lockdep", r"\[ BUG: (?P<what>.+) \]", "{}", _TASK_END),
    _rule("lockdep", r"INFO: (?P<what>trying to register non-static key)", "{}", _TASK_END),
    _rule("stall", r"rcu: INFO: \w+ (?:self-)?detected", "RCU stall", _TASK_END),
    _rule("stall", r"watchdog: BUG: (?P<what>soft lockup)", "{}", _TASK_END),
    _rule("stall", r"(?:\w+: )*Watchdog detected (?P<what>hard LOCKUP)", "{}", _TASK_END),
    _rule("stall", r"BUG: (?P<what>workqueue lockup)", "{}", _NEXT_MESSAGE),
    _rule("hung task", r"INFO: task .* for more than \d+ seconds", "hung task", _TASK_END),
    _rule("leak", r"unreferenced object", "memory leak", _NEXT_MESSAGE),
    _rule("slab", r"BUG \S+ \(.*?\): (?P<what>.+)", "slab: {}", _TASK_END),
    _rule("memory", r"x86/PAT: .*(?P<what>freeing invalid memtype)", "{}", _NEXT_MESSAGE),
    _rule("memory", r"(?P<what>Out of memory)", "{}", _NEXT_MESSAGE),
    _rule("bug", r"BUG: (?P<what>[^:]+?)(?: at \S+:\d|:|$)", "BUG: {}", _TASK_END),
    _rule("panic", r"Kernel panic - not syncing: (?P<what>.+)", "panic: {}", _PANIC_END),
)

# A test that has the kernel report something says so beforehand, on /dev/kmsg.
_EXPECTED = re.compile(r"f_revoke: expected report: (.+)")

_PREFIX = re.compile(r"(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? )?")
_GLUED = re.compile(r"(?<=.)\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? ")
_HEADLINE = re.compile(r"-+\[ cut here \]-+|={20,}")
_MAX_LINES = 250
_MAX_TEXT_LINES = 5
_MAX_UNENDED_LINES = 60
_FINGERPRINT_FRAMES = 5
_DECODE_DEADLINE_S = 60.0

_TRACE_START = re.compile(r"Call Trace:| *backtrace\b")
_RIP = re.compile(r"RIP: 0010:([A-Za-z_][\w.]*)\+0x")
_FRAME = re.compile(r" +(?:\[<[0-9a-f]+>\] )?([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+")
# Registers, code bytes, and what is the same for the whole run.
_LOW_VALUE = re.compile(
    r"(?:Code|R[A-Z0-9]{1,2}|[CDFG]S|CR\d|DR\d|PKRU|Tainted|Hardware name|Modules linked in): ?"
    r"|RIP: 0033:"
)
# Functions that report, wait or enter on behalf of others: no report is about them.
_MACHINERY = re.compile(
    r"_*(?:dump_stack|show_stack|print_|panic|vpanic|warn|report_bug|handle_bug|exc_|asm_|die"
    r"|fixup_|kasan_|asan_|check_(?:noncircular|prev|irq|slab)|kmemleak_|slab_|kmalloc|kmem_cache"
    r"|kfree|kvfree|object_err|lock_(?:acquire|release)|lockdep_|validate_chain|mutex_(?:un)?lock"
    r"|raw_spin|(?:down|up)_(?:read|write)|rwsem_|might_|schedule|wait_for_co|msleep|refcount_warn"
    r"|list_.*valid|debug_|rcu_check|rcu_sched|rcu_dump|watchdog|hrtimer|sysvec|update_process"
    r"|tick_|sched_show|nmi_)"
)


@dataclass(frozen=True)
class Report:
    """One report: `line` counts from 1; `fingerprint` are the top frames, joined by ' < ';
    `excerpt` is the whole report without time stamps."""

    kind: str
    title: str
    line: int
    fingerprint: str
    excerpt: str


def find_reports(log: str) -> list[Report]:
    """The reports in the order of the log, without those that were announced: each announcement
    takes away one, and is itself a report when there is none."""
    lines = [_PREFIX.sub("", _message(line.rstrip("\r")), count=1) for line in log.split("\n")]
    reports = _all_reports(lines)
    for number, line in enumerate(lines, start=1):
        announced = _EXPECTED.match(line)
        if announced:
            _take_away(reports, announced[1].strip(), number)
    return reports


def _message(line: str) -> str:
    """The kernel's part of a line that a program has begun, and not ended."""
    glued = _GLUED.search(line)
    return line[glued.start() :] if glued else line


def _take_away(reports: list[Report], title: str, line: int) -> None:
    """The first report of this title after the line; or say that it is missing."""
    for report in reports:
        if report.line > line and report.title.startswith(title):
            reports.remove(report)
            return
    reports.append(Report("missing", f"announced, but not reported: {title}", line, "", ""))


def _all_reports(lines: list[str]) -> list[Report]:
    """A panic that follows a report is its consequence, not another one."""
    reports: list[Report] = []
    number = end = 0
    while number < len(lines):
        found = _match(lines[number])
        if found is None:
            number += 1
            continue
        rule, match = found
        start = max(_headline(lines, number), end)
        end = _end(lines, number, rule)
        if rule.kind != "panic" or not reports:
            reports.append(_report(rule, match, start, lines[start:end]))
        number = end
    return reports


def for_reading(report: Report, vmlinux: Path) -> list[str]:
    """The lines that a human wants first; with file and line for the frames, if kernel and tools
    for that are at hand."""
    text = "".join(line for line in report.excerpt.splitlines(True) if not _LOW_VALUE.match(line))
    script = _decoder(vmlinux)
    if script:
        text = _decoded(text, [script, vmlinux, "auto", vmlinux.parent]) or text
    return text.splitlines()


def _decoded(text: str, command: Sequence[str | Path]) -> str:
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_DECODE_DEADLINE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _decoder(vmlinux: Path) -> Path | None:
    """The kernel's own script, in the source that the build folder leads to."""
    folders = (vmlinux.parent / "source", vmlinux.parent)
    scripts = (folder / "scripts/decode_stacktrace.sh" for folder in folders)
    return next((script for script in scripts if script.exists()), None)


def _match(line: str) -> tuple[Rule, re.Match[str]] | None:
    for rule in RULES:
        match = rule.start.match(line)
        if match:
            return rule, match
    return None


def _headline(lines: Sequence[str], number: int) -> int:
    """Where the report begins: a warning's own text stands between the ruled line and its start."""
    earliest = max(number - _MAX_TEXT_LINES, 0)
    ruled = (
        index for index in range(number - 1, earliest - 1, -1) if _HEADLINE.match(lines[index])
    )
    return next(ruled, number)


def _end(lines: Sequence[str], number: int, rule: Rule) -> int:
    """Index of the first line that is not part of the report any more."""
    following = range(number + 1, min(len(lines), number + _MAX_LINES))
    for index in following:
        if rule.end.match(lines[index]):
            return index if rule.ends_before else index + 1
        if _PANIC_END.match(lines[index]):
            return index + 1
    for index in following[:_MAX_UNENDED_LINES]:
        if _match(lines[index]):
            return index
    return min(len(lines), number + _MAX_UNENDED_LINES)


def _report(rule: Rule, match: re.Match[str], start: int, excerpt: list[str]) -> Report:
    frames = list(_frames(excerpt))
    what = rule.title.format(match.groupdict().get("what", "").strip())
    title = f"{what} in {frames[0]}" if frames else what
    fingerprint = " < ".join(frames[:_FINGERPRINT_FRAMES])
    return Report(rule.kind, title, start + 1, fingerprint, "\n".join(excerpt) + "\n")


def _frames(excerpt: Sequence[str]) -> Iterator[str]:
    """The functions that the report is about: where it happened first, then the callers."""
    in_trace = False
    for line in excerpt:
        if in_trace and _TASK_END.match(line):
            return
        in_trace = in_trace or bool(_TRACE_START.match(line))
        frame = _FRAME.match(line) if in_trace else _RIP.match(line)
        if frame and not _MACHINERY.match(frame.group(1)):
            yield frame.group(1).split(".")[0]
