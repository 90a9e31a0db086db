# SPDX-License-Identifier: GPL-2.0
"""The series as a git branch: made from the patch files, and written back to them.

Patches are applied in a scratch work tree that holds only the files they touch; the real one then
moves from the old tip to the new, so that make sees only files that did change. The folders below
selftests/ take the place of their copies in the tree on the way in as on the way out.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ktlib import mail
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.outcome import Outcome
from ktlib.series import Series
from ktlib.source import Source
from ktlib.ui import Ui

BRANCH = "f_revoke"
_STATE_FILE = ".git/f_revoke-applied.json"
_TREE_SELFTESTS = "tools/testing/selftests"


@dataclass(frozen=True)
class Applied:
    """What the branch was last made from: `key` stands for base, patches and selftests/."""

    key: str
    tip: str


def apply(source: Source, series: Series, selftests: Path, ui: Ui, *, force: bool = False) -> str:
    """Make the branch f_revoke = base + series and check it out; returns its tip.

    A branch with commits of the user's own is kept as it is, unless `force`.
    """
    git = source.git
    tip, applied = git.commit_of(BRANCH), _applied(git)
    key = _key(source, series, selftests)
    if tip and applied and not force:
        if tip != applied.tip:
            ui.info(f"branch {BRANCH} in {git.top} has work of your own: kept as it is")
            ui.info("'kt export' writes it to patches/, 'kt apply --force' throws it away")
            return tip
        if applied.key == key:
            return tip
    if not git.is_clean():
        raise KtError(
            f"{git.top} has uncommitted changes and the series has changed",
            hint=f"commit them there, or: git -C {git.top} stash",
        )
    with ui.step(f"apply {len(series.entries)} patches") as step:
        tip = refreshed(source, imported(git, source.base, series), series, selftests)
        git.call("checkout", "--quiet", "-B", BRANCH, tip)
        _remember(git, Applied(key, tip))
        step.result = tip[:12]
    return tip


def apply_beside(source: Source, series: Series, selftests: Path) -> str:
    """Check out base + series in a work tree that has no branch; returns the tip."""
    git = source.git
    if not git.is_clean():
        raise KtError(
            f"{git.top} has uncommitted changes",
            hint=f"it is made anew from the patches: keep them elsewhere, git -C {git.top} stash",
        )
    tip = refreshed(source, imported(git, source.base, series), series, selftests)
    git.call("checkout", "--quiet", "--detach", tip)
    return tip


def is_of_patches_alone(source: Source) -> bool:
    """Whether what is checked out is what was last made from patches/ and selftests/."""
    applied = _applied(source.git)
    own_commits = applied is not None and applied.tip != source.git.commit_of("HEAD")
    return not own_commits and source.git.is_clean()


def imported(git: Git, base: str, series: Series) -> str:
    """The tip of base + patch files, as git am makes it; KtError names the patch that fails."""
    whole = len(series.files) - len(series.stranded)
    tip = applied_mails(git, base, series.files[:whole])
    # Their entries in there have not the neighbours that they expect.
    return applied_mails(git, tip, series.files[whole:], ("MAINTAINERS",))


def applied_mails(git: Git, base: str, files: Sequence[Path], without: Sequence[str] = ()) -> str:
    """Run git am on a commit without touching any branch, leaving out what the mails do to the
    files `without`; returns the new tip."""
    if not files:
        return base
    options = (
        "--quiet",
        "--committer-date-is-author-date",
        *(f"--exclude={name}" for name in without),
    )
    touched = {path for file in files for path in mail.touched_files(mail.read(file))}
    with scratch_tree(git, base, sorted(touched)) as scratch:
        for file in files:
            done = scratch.attempt("am", *options, file)
            if done.returncode != 0:
                raise _does_not_apply(scratch, file, done.stderr + done.stdout)
        return scratch.call("rev-parse", "HEAD")


def refreshed(source: Source, tip: str, series: Series, selftests: Path) -> str:
    """The tip with the folders of selftests/ in the generated commit and all after it."""
    start = series.generated_index
    if start is None:
        return tip
    git = source.git
    folders = _selftest_trees(git, selftests)
    commits = git.commits(source.base, tip)
    parent = commits[start - 1] if start else source.base
    for commit in commits[start:]:
        parent = _with_folders(git, commit, parent, folders)
    return parent


def exported(
    git: Git, base: str, tip: str, version: int, signoff: tuple[str, str] | None = None
) -> dict[str, str]:
    """File name -> text of every patch of the branch, in order."""
    commits = git.commits(base, tip)
    if not commits:
        return {}
    options = ["--zero-commit", "--no-signature", "--numbered", "--abbrev=12"]
    options += ["--stat=72", "--summary"]
    options += [f"--subject-prefix={mail.subject_prefix(version)}"]
    environment = {}
    if signoff:
        options.append("--signoff")
        environment = {"GIT_COMMITTER_NAME": signoff[0], "GIT_COMMITTER_EMAIL": signoff[1]}
    patches = {}
    with tempfile.TemporaryDirectory(prefix="kt-export-") as folder:
        git.call("format-patch", "-q", *options, "-o", folder, f"{base}..{tip}", env=environment)
        for number, file in enumerate(sorted(Path(folder).iterdir()), start=1):
            patches[file.name] = mail.threaded(mail.read(file), version, number)
    return patches


def export(source: Source, series: Series, selftests: Path, ui: Ui) -> Series:
    """Write the branch back to the series' folder; the branch takes over selftests/ first."""
    git = source.git
    tip = git.commit_of(BRANCH)
    if tip is None:
        raise KtError(f"there is no branch {BRANCH} in {git.top}", hint="kt apply")
    if (_applied(git) or Applied("", "")).key.endswith(":partial"):
        raise KtError(
            "the branch holds only a part of the series (UPTO)",
            hint="'kt apply' without UPTO first, or the rest would be dropped from patches/",
        )
    if series.generated_index is not None:
        _refuse_lost_selftests(source, tip, selftests)
    # The generated patch may have moved.
    names = list(exported(git, source.base, tip, series.version))
    for name in series.lost(names):
        ui.warn(f"{name} is gone or renamed: look after its comments in {series.folder}/series")
    renewed = series.renewed(names)
    new_tip = refreshed(source, tip, renewed, selftests)
    patches = exported(git, source.base, new_tip, series.version)
    _write(renewed, patches)
    if new_tip != tip:
        git.call("checkout", "--quiet", "-B", BRANCH, new_tip)
    _remember(git, Applied(_key(source, renewed, selftests), new_tip))
    return renewed


def _write(series: Series, patches: dict[str, str]) -> None:
    for stale in series.folder.glob("*.patch"):
        if stale.name not in patches:
            stale.unlink()
    for name, text in patches.items():
        mail.write(series.folder / name, text)
    (series.folder / "series").write_text(series.text(), "utf-8")


def summary(git: Git, base: str, tip: str) -> str:
    """Shortlog and diffstat for the cover letter."""
    shortlog = git.call("shortlog", f"{base}..{tip}", env={"COLUMNS": "72"})
    stat = git.call("diff", "--stat=72", "--summary", base, tip)
    return f"{shortlog}\n\n{stat}"


def _key(source: Source, series: Series, selftests: Path) -> str:
    """Changes whenever the branch has to be made anew."""
    digest = hashlib.sha256(source.base.encode())
    for file in series.files:
        digest.update(file.read_bytes())
    if series.generated_index is not None:
        digest.update(repr(sorted(_selftest_trees(source.git, selftests).items())).encode())
    return digest.hexdigest() + (":partial" if series.upto else "")


def _applied(git: Git) -> Applied | None:
    file = git.top / _STATE_FILE
    return Applied(**json.loads(file.read_text())) if file.exists() else None


def _remember(git: Git, applied: Applied) -> None:
    (git.top / _STATE_FILE).write_text(json.dumps(applied.__dict__) + "\n")


@contextmanager
def scratch_tree(git: Git, commit: str, files: Sequence[str]) -> Iterator[Git]:
    """A work tree of `commit` in which only `files` exist."""
    with tempfile.TemporaryDirectory(dir=git.top.parent, prefix="scratch-") as folder:
        scratch = Git(Path(folder) / "tree")
        git.call("worktree", "add", "--quiet", "--no-checkout", "--detach", scratch.top, commit)
        try:
            patterns = "".join(f"/{file}\n" for file in files) or "/.nothing\n"
            scratch.call("sparse-checkout", "set", "--no-cone", "--stdin", stdin=patterns)
            scratch.call("read-tree", "-m", "-u", "HEAD")
            yield scratch
        finally:
            git.call("worktree", "remove", "--force", "--force", scratch.top)


def _does_not_apply(scratch: Git, file: Path, words: str) -> KtError:
    reversed_ok = scratch.attempt("apply", "--check", "--reverse", file).returncode == 0
    hint = "this source has it already" if reversed_ok else words.strip()
    return KtError(f"{file.name} does not apply", hint=hint, outcome=Outcome.APPLY_FAIL)


def _selftest_trees(git: Git, selftests: Path) -> dict[str, str]:
    """Folder in the kernel tree -> hash of the git tree that its source in selftests/ makes."""
    with tempfile.TemporaryDirectory(prefix="kt-index-") as folder:
        environment = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        work_tree = ("--work-tree", selftests)
        git.call(*work_tree, "add", "--all", ".", env={**environment, "GIT_WORK_TREE": ""})
        return {
            f"{_TREE_SELFTESTS}/{child.name}": git.call(
                "write-tree", f"--prefix={child.name}/", env=environment
            )
            for child in sorted(selftests.iterdir())
            if child.is_dir()
        }


def _with_folders(git: Git, commit: str, parent: str, folders: dict[str, str]) -> str:
    """`commit` on top of `parent` with the folders replaced; itself when nothing changes."""
    with tempfile.TemporaryDirectory(prefix="kt-index-") as folder:
        environment = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.call("read-tree", commit, env=environment)
        for path, tree in folders.items():
            git.call("rm", "-rf", "-q", "--cached", "--ignore-unmatch", path, env=environment)
            git.call("read-tree", f"--prefix={path}/", tree, env=environment)
        tree = git.call("write-tree", env=environment)
    old_parent = git.commit_of(f"{commit}^")
    if tree == git.tree_of(commit, "") and parent == old_parent:
        return commit
    author = git.call("show", "--no-patch", "--format=%an%n%ae%n%ad", "--date=raw", commit)
    name, email, date = author.splitlines()
    identity = {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_DATE": date,
    }
    message = git.call("show", "--no-patch", "--format=%B", commit)
    return git.call("commit-tree", tree, "-p", parent, stdin=f"{message}\n", env=identity)


def _refuse_lost_selftests(source: Source, tip: str, selftests: Path) -> None:
    """Tests that were changed in the kernel tree would be overwritten by selftests/."""
    applied = _applied(source.git)
    if applied is None:
        return
    for path, wanted in _selftest_trees(source.git, selftests).items():
        now, before = source.git.tree_of(tip, path), source.git.tree_of(applied.tip, path)
        if now and now not in (before, wanted):
            raise KtError(
                f"{path} was changed in the kernel tree, but selftests/ is its source",
                hint=f"copy the change to {selftests / os.path.basename(path)}",
            )
