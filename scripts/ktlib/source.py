# SPDX-License-Identifier: GPL-2.0
"""Kernel sources: wherever they come from, a git tree under out/src with a branch `base`.

The user's own tree or folder is only ever read. An import has a fixed author, committer and date
(that of the source's Makefile), so the same source gives the same commit everywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ktlib import debian, proc
from ktlib.bases import Base
from ktlib.errors import KtError
from ktlib.git import Git, git_env
from ktlib.paths import Paths
from ktlib.ui import Ui

BASE_BRANCH = "base"
_ORIGIN_FILE = ".git/f_revoke-origin.json"


@dataclass(frozen=True)
class Request:
    """What the user asked for: nothing (Debian's package), a tree or folder, or a tarball."""

    kernel_src: Path | None = None
    tarball: Path | None = None


@dataclass(frozen=True)
class Source:
    """An imported kernel.

    `base` is the commit before the series, `version` what its Makefile says, `is_pinned` whether it
    is the source that patches/bases.toml pins, to be patched; `suffix` ends the names of its build
    folders, '' for what is pinned of the default base; `base_commit` is the upstream commit, '' if
    unknown; `instead` has lines of its configuration for options that it does not have.
    """

    name: str
    git: Git
    base: str
    version: str
    is_pinned: bool
    suffix: str
    base_commit: str
    instead: Mapping[str, str]

    def build_key(self, profile: str) -> str:
        """Name of build folder and image of a profile."""
        return profile + self.suffix

    def beside(self, purpose: str = "base") -> Source:
        """The same source in a work tree of its own, so that neither disturbs the other's build."""
        tree = self.git.top.with_name(f"{self.name}-{purpose}")
        if not (tree / ".git").exists():
            self.git.call("worktree", "add", "--quiet", "--detach", tree, self.base)
        return replace(self, name=tree.name, git=Git(tree), is_pinned=False, suffix=f"@{tree.name}")


def obtain(request: Request, base: Base, paths: Paths, ui: Ui) -> Source:
    """Import the source that was asked for, unless that was done before."""
    if request.kernel_src and request.tarball:
        raise KtError("both KERNEL_SRC and KERNEL_TARBALL are given", hint="give one of them")
    if request.kernel_src:
        source = _own(request.kernel_src, base, paths, ui)
    elif request.tarball:
        source = _tarball(request.tarball, base, paths, ui)
    else:
        source = _packaged(base, paths, ui)
    if not source.version.startswith(f"{base.kernel}."):
        ui.warn(f"this is Linux {source.version}; the series is made for {base.kernel}.y")
    return source


def _packaged(base: Base, paths: Paths, ui: Ui) -> Source:
    tree = paths.sources / f"linux-{base.kernel}"
    pinned = f"sha256:{base.debian.tarball_sha256}"
    if _origin(tree) is None:
        deb = debian.fetch(base.debian, _made(paths.cache), ui)
        with tempfile.TemporaryDirectory(dir=_made(paths.sources), prefix="unpack-") as folder:
            tarball = Path(folder) / "linux.tar.xz"
            debian.unpack(deb, base.debian.package, tarball)
            _import_tarball(tarball, tree, ui)
    if _origin(tree) != pinned:
        ui.warn(
            f"{tree} was not imported from {base.debian.package} {base.debian.version}, which "
            "patches/bases.toml pins (newer package?); 'kt clean --all' starts afresh"
        )
    return _source(tree, base, is_pinned=True)


def _tarball(tarball: Path, base: Base, paths: Paths, ui: Ui) -> Source:
    if not tarball.is_file():
        raise KtError(f"KERNEL_TARBALL: no file {tarball}")
    digest = debian.sha256(tarball)
    is_pinned = digest == base.debian.tarball_sha256
    name = f"linux-{base.kernel}" if is_pinned else f"tarball-{digest[:8]}"
    tree = paths.sources / name
    if _origin(tree) != f"sha256:{digest}":
        _import_tarball(tarball, tree, ui)
    return _source(tree, base, is_pinned=is_pinned)


def _own(origin: Path, base: Base, paths: Paths, ui: Ui) -> Source:
    origin = origin.resolve()
    if not (origin / "Kbuild").is_file():
        raise KtError(f"KERNEL_SRC: {origin} is not the top of a kernel source")
    tree = paths.sources / f"own-{hashlib.sha256(str(origin).encode()).hexdigest()[:8]}"
    if (origin / ".git").exists():
        _borrow_git_tree(Git(origin), tree, ui)
    else:
        _import_folder(origin, tree, ui)
    tagged = Git(tree).commit_of(base.tag)
    return _source(tree, base, is_pinned=False, tagged=tagged)


def _source(tree: Path, base: Base, *, is_pinned: bool, tagged: str | None = None) -> Source:
    git = Git(tree)
    commit = git.commit_of(BASE_BRANCH)
    if commit is None:
        raise KtError(f"{tree} has no branch '{BASE_BRANCH}'", hint=f"delete {tree} and try again")
    version = kernel_version(git.call("show", f"{commit}:Makefile"))
    known = tagged or base.commit
    suffix = "" if is_pinned and base.is_default else f"@{tree.name}"
    return Source(tree.name, git, commit, version, is_pinned, suffix, known, base.instead)


def kernel_version(makefile: str) -> str:
    """'7.3.4' from the top Makefile's first lines."""
    fields = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL) *= *(\d+)", makefile, re.MULTILINE))
    try:
        return f"{fields['VERSION']}.{fields['PATCHLEVEL']}.{fields.get('SUBLEVEL', '0')}"
    except KeyError as error:
        raise KtError("the source's Makefile does not state a kernel version") from error


def _borrow_git_tree(theirs: Git, tree: Path, ui: Ui) -> None:
    """A repository that shares the user's objects and starts at their HEAD; theirs is only read."""
    head = theirs.commit_of("HEAD")
    if head is None:
        raise KtError(f"KERNEL_SRC: {theirs.top} has no commit checked out")
    if not theirs.is_clean():
        ui.warn(f"uncommitted changes in {theirs.top} are left out: its HEAD is used")
    ours = Git(tree)
    if _origin(tree) == f"git:{head}" and ours.commit_of(BASE_BRANCH) == head:
        return
    with ui.step(f"take over {head[:12]} of {theirs.top}"):
        if not (tree / ".git").exists():
            _init(tree)
        common = Path(theirs.call("rev-parse", "--path-format=absolute", "--git-common-dir"))
        (tree / ".git/objects/info/alternates").write_text(f"{common / 'objects'}\n")
        if (common / "shallow").exists():
            shutil.copy(common / "shallow", tree / ".git/shallow")
        tags = theirs.call("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags/v*")
        updates = [
            f"update {name} {commit}\n" for commit, name in map(str.split, tags.splitlines())
        ]
        ours.call("update-ref", "--stdin", stdin="".join(updates))
        ours.call("checkout", "--quiet", "-B", BASE_BRANCH, head)
        _record_origin(tree, f"git:{head}")


def _import_folder(origin: Path, tree: Path, ui: Ui) -> None:
    files = [file for file in origin.rglob("*") if file.is_file()]
    newest = max(file.stat().st_mtime_ns for file in files)
    mark = f"folder:{len(files)}:{newest}"
    if _origin(tree) == mark:
        return

    def copy(target: Path) -> None:
        proc.output(["cp", "--archive", "--reflink=auto", f"{origin}/.", target])
        if (target / ".config").exists() or (target / "include/config").exists():
            proc.output(["make", "-s", "-C", target, "mrproper"])

    if _origin(tree) is None:
        _import(tree, copy, mark, ui)
    else:
        _update(tree, copy, mark, ui)


def _import_tarball(tarball: Path, tree: Path, ui: Ui) -> None:
    def extract(target: Path) -> None:
        proc.output(["tar", "--extract", "--strip-components=1", "-C", target, "-f", tarball])

    _import(tree, extract, f"sha256:{debian.sha256(tarball)}", ui)


def _import(tree: Path, fill: Callable[[Path], None], mark: str, ui: Ui) -> None:
    """Fill a new folder and commit all of it; it takes its place only when complete."""
    unfinished = tree.with_name(f"{tree.name}.tmp")
    if (tree / ".git").exists():
        raise KtError(
            f"{tree} exists and was imported from something else",
            hint=f"keep what you need of it, then delete {tree}",
        )
    shutil.rmtree(unfinished, ignore_errors=True)
    with ui.step(f"import the kernel source to {tree} (about half a minute)"):
        unfinished.mkdir(parents=True)
        fill(unfinished)
        _init(unfinished)
        _commit_all(Git(unfinished), unfinished)
        _record_origin(unfinished, mark)
        unfinished.rename(tree)


def _update(tree: Path, fill: Callable[[Path], None], mark: str, ui: Ui) -> None:
    """Move `base` on to what the folder holds now; only files that changed are written."""
    git = Git(tree)
    if not git.is_clean():
        raise KtError(f"{tree} has uncommitted changes", hint="commit or stash them there")
    with ui.step(f"bring {tree} up to date with its folder"):
        with tempfile.TemporaryDirectory(dir=tree.parent, prefix="update-") as folder:
            fill(Path(folder))
            git.call("checkout", "--quiet", BASE_BRANCH)
            _commit_all(git, Path(folder))
        git.call("reset", "--quiet", "--hard")
        _record_origin(tree, mark)


def _commit_all(git: Git, folder: Path) -> None:
    """Commit everything in `folder` to the branch that is checked out in `git`."""
    makefile = folder / "Makefile"
    if not makefile.is_file():
        raise KtError("that is not a kernel source: it has no Makefile at the top")
    date = f"{int(makefile.stat().st_mtime)} +0000"
    message = f"Linux {kernel_version(makefile.read_text())}, as imported"
    # -f: Debian's .gitignore ends in '/*', which would leave everything out.
    git.call("--work-tree", folder, "add", "--all", "--force")
    environment = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    git.call("commit", "--quiet", "--allow-empty", "--message", message, env=environment)


def _init(tree: Path) -> None:
    tree.mkdir(parents=True, exist_ok=True)
    proc.output(["git", "init", "--quiet", f"--initial-branch={BASE_BRANCH}", tree], env=git_env())
    Git(tree).set_config([("gc.auto", "0"), ("core.compression", "1")])


def _origin(tree: Path) -> str | None:
    """What `tree` was imported from, None when it was not, or not to the end."""
    file = tree / _ORIGIN_FILE
    return str(json.loads(file.read_text())["origin"]) if file.exists() else None


def _record_origin(tree: Path, origin: str) -> None:
    (tree / _ORIGIN_FILE).write_text(json.dumps({"origin": origin}) + "\n")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
