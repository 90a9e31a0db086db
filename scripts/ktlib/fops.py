# SPDX-License-Identifier: GPL-2.0
"""Every use of a file's f_op in a kernel tree, held against a table of those that have a reason.

Coccinelle (scripts/fops/fops.cocci) says what the uses are. What it cannot parse does not get
lost: a tokenizer finds each `f_op` outside comments and strings, and one that no use accounts for
is a use of the shape 'unparsed'.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import resource
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ktlib import proc
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.tally import Tally
from ktlib.ui import Ui

SHAPES = ("call", "through", "saved", "pointer", "compare", "test", "unparsed")

_CANDIDATES = r"\bf_op\b|struct file_operations \*|(fops|_f_op)\s*->"
_PATHS = ("*.c", "*.h", ":!tools", ":!Documentation", ":!samples", ":!scripts")
# Members of struct file_operations that can be called: other things, too, are called fops.
_METHODS = frozenset(
    """check_flags compat_ioctl copy_file_range fadvise fallocate fasync flock flush fsync
    get_unmapped_area iopoll iterate_shared llseek lock mmap mmap_capabilities mmap_prepare open
    poll read read_iter release remap_file_range setlease show_fdinfo splice_eof splice_read
    splice_write unlocked_ioctl uring_cmd uring_cmd_iopoll write write_iter""".split()
)
_BATCH = 24
_JOBS = 2
_STACK_BYTES = 1 << 30
# Comments, strings and characters are skipped as wholes, as a C compiler would.
_TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(?:->|\.)\s*(?P<f_op>f_op)\b',
    re.DOTALL,
)


@dataclass(frozen=True, order=True)
class Use:
    """One use: in which file and function, its shape, and the method or operations it is about."""

    file: str
    function: str
    shape: str
    what: str
    line: int

    @property
    def key(self) -> str:
        """What patterns of the table are held against."""
        return f"{self.file} {self.function} {self.shape} {self.what}".rstrip()


@dataclass
class Reason:
    """Why the uses that match one of the patterns may be as they are."""

    why: str
    patterns: tuple[str, ...]
    matched: Counter[str] = field(default_factory=Counter)

    def covers(self, use: Use) -> bool:
        """Whether one of the patterns matches; remembers which."""
        for pattern in self.patterns:
            if fnmatch.fnmatchcase(use.key, pattern):
                self.matched[pattern] += 1
                return True
        return False


def load_reasons(file: Path) -> list[Reason]:
    """The table: [[reason]] with `why` and `uses`, patterns of fnmatch(3) in their order."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
        return [Reason(one["why"], tuple(one["uses"])) for one in table["reason"]]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise KtError(
            f"{file}: {error}", hint="wanted: [[reason]] with 'why' and 'uses'"
        ) from error


def candidates(git: Git) -> list[str]:
    """Files of the tree in which there can be a use."""
    found = git.attempt("grep", "-lE", _CANDIDATES, "--", *_PATHS)
    return sorted(found.stdout.split())


def tokens(text: str) -> Counter[int]:
    """How many times ->f_op or .f_op occurs outside comments and strings, by line."""
    lines: Counter[int] = Counter()
    for found in _TOKEN.finditer(text):
        if found["f_op"]:
            lines[text.count("\n", 0, found.start("f_op")) + 1] += 1
    return lines


def parse(output: str) -> set[Use]:
    """The lines that fops.cocci prints; of a use that several rules know, the first shape."""
    best: dict[tuple[str, int, str], Use] = {}
    for line in output.splitlines():
        words = line.split("\t")
        if len(words) != 5 or words[0] not in SHAPES:
            continue
        shape, file, function, number, what = words
        if shape == "through" and what not in _METHODS:
            continue
        use = Use(file, function, shape, " ".join(what.split()), int(number))
        place = (file, use.line, use.what)
        known = best.get(place)
        if known is None or SHAPES.index(use.shape) < SHAPES.index(known.shape):
            best[place] = use
    return set(best.values())


def _allow_deep_recursion() -> None:
    resource.setrlimit(resource.RLIMIT_STACK, (_STACK_BYTES, resource.RLIM_INFINITY))


def _spatch(tree: Path, rules: Path, files: Sequence[str]) -> str:
    # Its Python is to be Debian's; it takes the first that PATH has.
    environment = proc.clean_env({"PATH": "/usr/bin:/bin"})
    command = ["spatch", "--very-quiet", "--no-includes", "--sp-file", str(rules), *files]
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            preexec_fn=_allow_deep_recursion,
        )
    except FileNotFoundError as error:
        raise KtError("spatch is not installed", hint="make deps") from error
    if done.returncode != 0:
        raise KtError(
            f"coccinelle failed on {files[0]} … {files[-1]}", hint=done.stderr.strip()[-2000:]
        )
    return done.stdout


def _fingerprint(tree: Path, rules: Path, files: Iterable[str]) -> str:
    digest = hashlib.sha256(rules.read_bytes())
    for file in files:
        digest.update(file.encode() + b"\0" + (tree / file).read_bytes())
    return digest.hexdigest()


def scan(tree: Path, files: Sequence[str], rules: Path, cache: Path | None = None) -> list[Use]:
    """All uses in these files of `tree`; `cache` keeps the answer for as long as they stay."""
    print_of_all = _fingerprint(tree, rules, files)
    if cache and cache.exists():
        kept = json.loads(cache.read_text("utf-8"))
        if kept["fingerprint"] == print_of_all:
            return [Use(**use) for use in kept["uses"]]
    batches = [files[i : i + _BATCH] for i in range(0, len(files), _BATCH)]
    with ThreadPoolExecutor(_JOBS) as pool:
        outputs = list(pool.map(lambda batch: _spatch(tree, rules, batch), batches))
    parsed = parse("\n".join(outputs))
    uses = sorted(parsed | _unparsed(tree, files, parsed))
    if cache:
        cache.parent.mkdir(parents=True, exist_ok=True)
        record = {"fingerprint": print_of_all, "uses": [vars(use) for use in uses]}
        cache.write_text(json.dumps(record), "utf-8")
    return uses


def _unparsed(tree: Path, files: Sequence[str], uses: Iterable[Use]) -> set[Use]:
    known = Counter((use.file, use.line) for use in uses if use.shape != "through")
    missed = set()
    for file in files:
        text = (tree / file).read_text("utf-8", "replace")
        for line, count in tokens(text).items():
            if known[file, line] < count:
                what = " ".join(text.splitlines()[line - 1].split())
                missed.add(Use(file, "?", "unparsed", what, line))
    return missed


def check(uses: Sequence[Use], reasons: Sequence[Reason], ui: Ui) -> Tally:
    """One check for each use, and one for each pattern that nothing matches any more."""
    tally = Tally()
    unexplained: list[Use] = []
    for use in uses:
        if any(reason.covers(use) for reason in reasons):
            tally.add(use.key)
        else:
            unexplained.append(use)
    _show(uses, set(unexplained), ui)
    for use in unexplained:
        tally.add(f"{use.file}:{use.line}", f"{use.function}: {use.shape} {use.what}: no reason")
    for reason in reasons:
        for pattern in reason.patterns:
            if not reason.matched[pattern]:
                tally.add(f"'{pattern}'", "matches no use: delete it")
    return tally


def _show(uses: Sequence[Use], unexplained: set[Use], ui: Ui) -> None:
    """A table by method: how many uses of each shape, and how many of them have no reason."""
    shapes: dict[str, Counter[str]] = {}
    for use in uses:
        row = "(operations)" if use.shape in ("compare", "pointer", "unparsed") else use.what
        shapes.setdefault(row, Counter())[use.shape] += 1
        shapes[row]["unexplained"] += use in unexplained
    columns = (*SHAPES, "unexplained")
    rows = [(what, *(str(count[c] or "") for c in columns)) for what, count in shapes.items()]
    total = Counter(use.shape for use in uses) + Counter(unexplained=len(unexplained))
    rows.sort()
    rows.append(("all", *(str(total[c]) for c in columns)))
    ui.table(("method", *columns), rows)
