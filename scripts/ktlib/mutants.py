# SPDX-License-Identifier: GPL-2.0
"""Mutants: the series with one protection taken out each. The tests have to notice every one.

A file of patches/<base>/mutants is a text that says what is taken out, a line ``Caught-by: NAME``
with the beginning of the name of a test that must fail or not get to its end, ``---`` and a diff.
``Profile: NAME`` before the dashes is for those that only a detector of that profile sees.

A guest that crashes or hangs has noticed, unless the test of that name had passed by then, or the
machine is so slow that the same comes of it without the mutant. It runs the kselftest of that name
alone: KUnit's suites have run when it starts, and cost no time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.outcome import Outcome
from ktlib.run import RunResult
from ktlib.tally import Tally
from ktlib.ui import Ui

SURVIVED = "NOTHING"
SAMPLE = ("claim-is-not-exclusive", "read-is-not-gated", "kernfs-does-not-drain-files")
"""Those that `make test` tries: that its detectors detect."""

_BAD_ENDS = frozenset({Outcome.TIMEOUT, Outcome.HANG, Outcome.BOOT_FAIL, Outcome.CRASH})
# Ends to which a machine that is too slow can come as well, without any mutant.
_NO_ANSWER = frozenset(end.name for end in (Outcome.TIMEOUT, Outcome.HANG, Outcome.BOOT_FAIL))
# KUnit runs before there is anybody to send results to; on the console, without its suite.
_PASSED_AT_BOOT = re.compile(r"^(?:\[[ .\d]+\] )? +ok \d+ (\w+)", re.MULTILINE)

_KSELFTEST = re.compile(r"kselftest\.(\w+)\.([\w-]+)")

_FORM = re.compile(
    r"(?P<about>.+?)\n\nCaught-by: (?P<catcher>\S+)\n(?:Profile: (?P<profile>\S+)\n)?---\ndiff .+",
    re.DOTALL,
)


@dataclass(frozen=True)
class Mutant:
    """One protection taken out: what it is, the test that must notice, the file with the diff, and
    the profile that it takes, '' for any."""

    file: Path
    about: str
    catcher: str
    profile: str = ""

    @property
    def name(self) -> str:
        """What it is called on the command line and in tables."""
        return self.file.stem

    @property
    def kselftest(self) -> str:
        """The kselftest to run, as collection:name; '' if it takes none."""
        found = _KSELFTEST.match(self.catcher)
        return f"{found[1]}:{found[2]}" if found else ""

    @classmethod
    def load(cls, file: Path) -> Mutant:
        """From a file of the mutants' folder."""
        found = _FORM.fullmatch(file.read_text("utf-8"))
        if not found:
            raise KtError(
                f"{file} is not a mutant",
                hint="wanted: a text, an empty line, 'Caught-by: NAME', '---', a diff",
            )
        return cls(file, found["about"].strip(), found["catcher"], found["profile"] or "")

    @contextmanager
    def applied(self, git: Git) -> Iterator[None]:
        """The work tree with the mutant in it; as it was afterwards, whatever happens."""
        done = git.attempt("apply", self.file)
        if done.returncode != 0:
            raise KtError(
                f"mutant {self.name} does not apply",
                outcome=Outcome.APPLY_FAIL,
                hint=f"{done.stderr.strip()}\nmake it anew from the branch as it is now",
            )
        try:
            yield
        finally:
            git.call("apply", "--reverse", self.file)

    def noticed_by(self, result: RunResult) -> str:
        """What noticed: the catcher, or a guest that came to a bad end; '' when nothing did."""
        failed = [test.name for test in result.tests if not test.ok]
        caught = [name for name in failed if name.startswith(self.catcher)]
        if caught:
            return caught[0]
        if result.outcome not in _BAD_ENDS or _passed(self.catcher, result):
            return ""
        return result.outcome.name


def _passed(name: str, result: RunResult) -> bool:
    """Whether this test had passed when the guest came to its end."""
    if any(test.ok and test.name == name for test in result.tests):
        return True
    console = result.run_dir / "console.log"
    if not console.exists():
        return False
    at_boot = _PASSED_AT_BOOT.findall(console.read_text("utf-8", "replace"))
    return name.split(".")[-1] in at_boot


def find(folder: Path, names: Sequence[str]) -> list[Mutant]:
    """The mutants of these names, in their order; all of them for no names."""
    files = sorted(folder.glob("*.patch"))
    known = {file.stem: file for file in files}
    for name in names:
        if name not in known:
            raise KtError(f"there is no mutant '{name}'", hint=f"known: {', '.join(known)}")
    return [Mutant.load(known[name]) for name in names or known]


Try = Callable[[Mutant | None], RunResult]
"""Builds what is in the tree, boots it, and runs what has to notice this mutant; all for None."""


def prove_whole(try_it: Try, ui: Ui) -> None:
    """Have the series itself pass: what fails without a mutant proves nothing."""
    ui.banner("no mutant")
    if try_it(None).outcome is not Outcome.PASS:
        raise KtError(
            "the series itself does not pass",
            outcome=Outcome.FAIL,
            hint="mend that first; or the machine is too busy",
        )


def hunt(mutants: Sequence[Mutant], git: Git, try_it: Try, ui: Ui) -> Tally:
    """Build and boot with each mutant in the tree, which is otherwise known to pass; a mutant that
    goes unnoticed has failed."""
    if not git.is_clean():
        raise KtError(
            f"files in {git.top} differ from what is committed there",
            hint="commit or drop the changes: the mutants are applied on top of the work tree",
        )
    tally, rows = Tally(), []
    for mutant in mutants:
        ui.banner(mutant.name)
        ui.info(mutant.about)
        if mutant.profile and (sound := try_it(mutant)).outcome is not Outcome.PASS:
            tally.add(mutant.name, f"without it, {mutant.profile} fails, too: {sound.run_dir}")
            continue
        with mutant.applied(git):
            result = try_it(mutant)
        noticed = mutant.noticed_by(result)
        in_doubt = noticed in _NO_ANSWER and not mutant.profile
        if in_doubt and try_it(mutant).outcome is not Outcome.PASS:
            noticed = ""
        tally.add(mutant.name, "" if noticed else f"went unnoticed: {result.run_dir}")
        rows.append((mutant.name, noticed or SURVIVED, str(result.run_dir)))
    ui.table(("mutant", "noticed by", "run"), rows)
    return tally
