# SPDX-License-Identifier: GPL-2.0
"""Every use of a file's f_op in a kernel tree, held against a table of those that have a reason.

Coccinelle (scripts/fops/fops.cocci) says what the uses are. A member that is not called is a
'test' if what stands around it says so, as in `if (!file->f_op->poll)`, else it is 'saved':
whatever comes of its address. What coccinelle cannot parse does not get lost: a tokenizer finds
each `f_op`, and each call through what is named like operations, outside comments and strings;
one that no use accounts for is 'unparsed'.

What it does not see: operations under other names, and macros that put names together.
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
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ktlib import proc
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.tally import Tally
from ktlib.ui import Ui

SHAPES = ("call", "through", "test", "saved", "pointer", "compare", "unparsed")

_CANDIDATES = r"\bf_op\b|struct file_operations \*|(fops|_f_op|i_fop|cdev->ops)\s*->"
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
# Comments, strings and characters, as a C compiler takes them.
_NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_F_OP = re.compile(r"(?:->|\.)\s*(f_op)\b")
_THROUGH = re.compile(r"(?:(?:\b|_)fops|\bi_fop|\w_f_op|(?<![\w>.])f_op)\s*->\s*(\w+)\s*\(")
_MEMBER = re.compile(r"f_op\s*->\s*\w+\s*")
_TEST_BEFORE = re.compile(r"(?:!|&&|\|\||[!=]=)\s*$")
_TEST_AFTER = re.compile(r"&|\|\||==|!=|\?\s*[^:\s]")
_CONDITION_BEFORE = re.compile(r"\b(?:if|while|likely|unlikely)\s*\(\s*$")


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
            if fnmatch.fnmatchcase(use.key, pattern.replace("{what}", use.what)):
                self.matched[pattern] += 1
                return True
        return False


def load_reasons(file: Path) -> list[Reason]:
    """The table: [[reason]] with `why` and `uses`, patterns of fnmatch(3) in their order.

    In a pattern, {what} stands for the method that the use is about."""
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


def code_of(text: str) -> str:
    """The text with comments and strings blanked; every place stays where it is."""
    return _NO_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def tokens(text: str) -> Counter[int]:
    """How many f_op, and calls through what is named like operations, there are, by line."""
    code = code_of(text)
    places = [found.start(1) for found in _F_OP.finditer(code)]
    places += [found.start(1) for found in _THROUGH.finditer(code) if found[1] in _METHODS]
    return Counter(code.count("\n", 0, place) + 1 for place in places)


def _operand_start(code: str, place: int) -> int:
    """Where the postfix expression begins whose last member is at `place`."""
    while found := re.search(r"(?:->|\.)\s*$", code[max(0, place - 200) : place]):
        place -= len(found[0])
        while code[place - 1] in ")]":
            place = _opening(code, place - 1)
        place -= len(re.search(r"\w*$", code[max(0, place - 200) : place])[0])  # type: ignore
    return place


def _opening(code: str, place: int) -> int:
    """Where the bracket was opened that is closed at `place`; 0 if it was not."""
    depth = 0
    for at in range(place, -1, -1):
        depth += (code[at] in ")]") - (code[at] in "([")
        if depth == 0:
            return at
    return 0


def is_test(code: str, place: int) -> bool:
    """Whether the member of f_op at `place` is only looked at: for being there, or for a flag."""
    member = _MEMBER.match(code, place)
    if not member:
        return False
    before = code[max(0, place - 400) : _operand_start(code, place)]
    after = code[member.end() : member.end() + 20]
    if _TEST_BEFORE.search(before) or _TEST_AFTER.match(after):
        return True
    return bool(_CONDITION_BEFORE.search(before)) and after.startswith(")")


def parse(output: str, code: Callable[[str], str]) -> set[Use]:
    """The lines that fops.cocci prints; of a use that several rules know, the first shape.

    `code` gives the code_of() of a file."""
    best: dict[tuple[str, int, int, str], Use] = {}
    for line in output.splitlines():
        words = line.split("\t")
        if len(words) != 6:
            continue
        shape, file, function, number, column, what = words
        if shape == "through" and what not in _METHODS:
            continue
        if shape == "member":
            shape = "test" if is_test(code(file), _place(code(file), number, column)) else "saved"
        use = Use(file, function, shape, " ".join(what.split()), int(number))
        place = (file, use.line, int(column), use.what)
        known = best.get(place)
        if known is None or SHAPES.index(use.shape) < SHAPES.index(known.shape):
            best[place] = use
    return set(best.values())


def _place(code: str, line: str, column: str) -> int:
    start = 0
    for _ in range(int(line) - 1):
        start = code.index("\n", start) + 1
    return start + int(column)


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
    digest = hashlib.sha256(rules.read_bytes() + Path(__file__).read_bytes())
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
    codes = {file: code_of((tree / file).read_text("utf-8", "replace")) for file in files}
    parsed = parse("\n".join(outputs), codes.__getitem__)
    uses = sorted(parsed | _unparsed(tree, files, parsed))
    if cache:
        cache.parent.mkdir(parents=True, exist_ok=True)
        record = {"fingerprint": print_of_all, "uses": [vars(use) for use in uses]}
        cache.write_text(json.dumps(record), "utf-8")
    return uses


def _unparsed(tree: Path, files: Sequence[str], uses: Iterable[Use]) -> set[Use]:
    known = Counter((use.file, use.line) for use in uses)
    missed = set()
    for file in files:
        text = (tree / file).read_text("utf-8", "replace")
        for line, count in tokens(text).items():
            if known[file, line] < count:
                what = " ".join(text.splitlines()[line - 1].split())
                missed.add(Use(file, "?", "unparsed", what, line))
    return missed


def check(uses: Sequence[Use], reasons: Sequence[Reason], ui: Ui) -> Tally:
    """One check for each use, and one for each pattern that nothing matches any more.

    But for lines that are not parsed: what coccinelle makes of one depends on the files that it has
    read before, in the same batch, and so on which other files have uses."""
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
            if not reason.matched[pattern] and " unparsed " not in pattern:
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
