# SPDX-License-Identifier: GPL-2.0
"""What the kernel's own tools say of the series' documentation: kernel-doc of the C files that it
touches, and Sphinx of the documents, with the settings of `make htmldocs`. Both have much to say of
the kernel as it is; what counts is what they did not say of it without the series.

Sphinx gets the touched documents, and the documents and C files that these name, as all of them
take long. What those refer to in turn is missing without the series as well.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ktlib import branch, proc
from ktlib.git import Git
from ktlib.series import Series
from ktlib.source import Source
from ktlib.tally import Tally

_PYTHON = ("/usr/bin/python3", "-B")
_C = re.compile(r"(?!tools/).+\.[ch]")
_RST = re.compile(r"Documentation/.+\.rst")
_TAKEN_FROM = re.compile(r"^\.\. kernel-doc:: *(\S+)", re.MULTILINE)
_REFERS_TO = re.compile(r":doc:`(?:[^`<]*<)?([^`>]+)>?`")
_SPHINX_NEEDS = (
    "MAINTAINERS",
    "Makefile",
    "Documentation/conf.py",
    "Documentation/sphinx",
    "tools/lib/python",
    "tools/net/ynl/pyynl/lib",
)
_OF_KERNEL_DOC = re.compile(
    r"^(?:Warning|Error): (?P<file>[^:\s]+):\d+ (?P<text>.+)$", re.MULTILINE
)
_OF_SPHINX = re.compile(
    r"^(?P<file>/[^:]+):(?:\d+:)? (?P<text>(?:WARNING|ERROR|CRITICAL|SEVERE): .+)$", re.MULTILINE
)
_QUOTED = re.compile(r"\{.*\}")

Words = Counter[tuple[str, str]]
"""How often something is said of a file."""


def check(source: Source, series: Series) -> Tally:
    """Every C file and every document that the series touches."""
    tip = branch.imported(source.git, source.base, series)
    touched = source.git.call("diff", "--diff-filter=d", "--name-only", source.base, tip).split()
    code = [name for name in touched if _C.fullmatch(name)]
    documents = [name for name in touched if _RST.fullmatch(name)]
    taken = [*code, *documents, *_SPHINX_NEEDS, *_named(source.git, tip, documents)]

    def both(tool: Callable[[Path, Path, Sequence[str]], Words], names: list[str]) -> Tally:
        said = []
        for commit in (source.base, tip):
            with branch.scratch_tree(source.git, commit, taken) as tree:
                there = [name for name in names if (tree.top / name).is_file()]
                said.append(tool(source.git.top, tree.top, there) if there else Words())
        return compared(names, *said)

    return Tally.sum([both(_kernel_doc, code), both(_sphinx, documents)])


def compared(names: Sequence[str], before: Words, after: Words) -> Tally:
    """A check for each file: nothing is said of it that was not said before."""
    tally = Tally()
    fresh = after - before
    for name in names:
        tally.add(name, "\n".join(text for file, text in fresh if file == name))
    for name in sorted({file for file, _ in fresh} - set(names)):
        tally.add(name, "\n".join(text for file, text in fresh if file == name))
    return tally


def _named(git: Git, commit: str, documents: Sequence[str]) -> list[str]:
    """The C files that documents take comments from, and the documents that they refer to."""
    found = []
    for name in documents:
        text = git.call("show", f"{commit}:{name}")
        found += _TAKEN_FROM.findall(text)
        found += [_path_of(target, name) for target in _REFERS_TO.findall(text)]
    return found


def _path_of(target: str, document: str) -> str:
    """The file that a reference in a document means; an absolute one begins at the top."""
    folder = "Documentation" if target.startswith("/") else posixpath.dirname(document)
    return posixpath.normpath(f"{folder}/{target.strip('/')}.rst")


def _kernel_doc(kernel: Path, tree: Path, names: Sequence[str]) -> Words:
    command: list[str | Path] = [*_PYTHON, kernel / "scripts/kernel-doc", "-none", "-Wall"]
    done = proc.capture([*command, *names], cwd=tree)
    return heard(_OF_KERNEL_DOC, done.stdout + done.stderr, tree)


def _sphinx(_kernel: Path, tree: Path, names: Sequence[str]) -> Words:
    folder = tree / "Documentation"
    # It wants a document to begin with; which one makes no difference.
    first = Path(names[0]).relative_to("Documentation").with_suffix("")
    command = [*_PYTHON, "-m", "sphinx", "-q", "-b", "dummy", "-D", f"master_doc={first}"]
    environment = proc.clean_env({"srctree": str(tree)})
    done = proc.capture([*command, ".", tree / "output"], cwd=folder, env=environment)
    said = heard(_OF_SPHINX, done.stdout + done.stderr, tree)
    if done.returncode != 0:
        said[("Sphinx", done.stderr.strip().splitlines()[-1])] += 1
    return said


def heard(form: re.Pattern[str], words: str, tree: Path) -> Words:
    """What a tool said, without line numbers and quoted code, which the series changes."""
    return Counter(
        (found["file"].removeprefix(f"{tree}/"), _QUOTED.sub("{}", found["text"]))
        for found in form.finditer(words)
    )
