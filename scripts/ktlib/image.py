# SPDX-License-Identifier: GPL-2.0
"""The guest's initramfs: a static init, busybox, the modules and the installed kselftests.

The kernel's own gen_init_cpio writes it, with a fixed time and root as owner of everything, so the
same content gives the same bytes without being root.
"""

from __future__ import annotations

import gzip
import os
import re
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from ktlib import proc
from ktlib.errors import KtError
from ktlib.kbuild import Build
from ktlib.outcome import Outcome
from ktlib.ui import Ui

_BUSYBOX = Path("/bin/busybox")
# For the kernel's own kselftests, which are not all content with busybox.
_TOOLS = {"/bin/bash": Path("/bin/bash-static"), "/usr/bin/kmod": Path("/usr/bin/kmod")}
_LINKS = {"/usr/bin/env": "/bin/busybox", "/usr/sbin/modprobe": "/usr/bin/kmod"}
_LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_FOLDERS = (
    "bin",
    "dev",
    "etc",
    "kselftest",
    "lib/firmware",
    "lib/x86_64-linux-gnu",
    "lib64",
    "proc",
    "root",
    "sys",
    "tmp",
    "usr/bin",
    "usr/sbin",
)
# Not linked: the binary itself, and what we bring a better one of.
_OWN_APPLETS = ("busybox", "timeout")
_PROGRAMS = {"init.c": "/init", "timeout.c": "/usr/bin/timeout"}


def make_image(
    build: Build,
    guest_sources: Path,
    ui: Ui,
    *,
    more: Mapping[str, Path] | None = None,
    only: str | None = None,
) -> Path:
    """Write the image that belongs to a build, with `more` programs at their places; one that would
    be the same is left alone. `only`: of the kselftests that are run this one, folder:program, or
    none for ''; to unpack all of them takes a guest several seconds."""
    target = build.paths.image(build.folder.name)
    with ui.step(f"image {target.name}") as step:
        with tempfile.TemporaryDirectory(prefix="kt-image-") as folder:
            scratch = Path(folder)
            programs = {
                place: _compile(guest_sources / name, scratch) for name, place in _PROGRAMS.items()
            }
            programs |= more or {}
            links = {}
            if build.profile.kselftests:
                programs |= _TOOLS | _libraries(_TOOLS.values())
                links = _LINKS
            others = set() if only is None else set(build.programs()) - {only}
            left_out = {build.kselftests / name.replace(":", "/") for name in others}
            lines = listing(programs, links, build.modules, build.kselftests, left_out)
            archive = _cpio(build.folder / "usr/gen_init_cpio", lines, scratch)
        data = gzip.compress(archive, compresslevel=1, mtime=0)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != data:
            target.write_bytes(data)
        step.result = f"{len(data) >> 10} KiB"
    return target


def listing(
    programs: Mapping[str, Path],
    links: Mapping[str, str],
    modules: Path,
    kselftests: Path,
    left_out: Container[Path] = frozenset(),
) -> list[str]:
    """The lines that gen_init_cpio reads.

    `programs` says which file goes to which place, `links` what leads to what, `modules` is a
    folder that is laid out as /, and `kselftests` what becomes /kselftest, without the files that
    are `left_out`.
    """
    folders = sorted({str(part) for name in _FOLDERS for part in _with_parents(Path(name))})
    lines = [f"dir /{name} 0755 0 0" for name in folders]
    lines.append("nod /dev/console 0600 0 0 c 5 1")
    lines += [f"file {place} {program} 0755 0 0" for place, program in programs.items()]
    lines.append(f"file /bin/busybox {_BUSYBOX} 0755 0 0")
    lines += [f"slink {place} {target} 0777 0 0" for place, target in links.items()]
    lines += [f"slink /bin/{applet} /bin/busybox 0777 0 0" for applet in _applets()]
    return [*lines, *_tree("/lib", modules / "lib"), *_tree("/kselftest", kselftests, left_out)]


def _libraries(programs: Iterable[Path]) -> dict[str, Path]:
    """What the dynamic linker loads for them, at the places where they are here."""
    found = [
        name for file in programs for name in _LIBRARY.findall(proc.capture(["ldd", file]).stdout)
    ]
    return {name: Path(name) for name in found}


def _with_parents(folder: Path) -> list[Path]:
    return [folder, *[parent for parent in folder.parents if parent.name]]


def _tree(prefix: str, folder: Path, left_out: Container[Path] = frozenset()) -> Iterator[str]:
    for file in sorted(folder.rglob("*")):
        name = f"{prefix}/{file.relative_to(folder)}"
        if file.is_symlink() or file in left_out:
            # A link is the modules' one to where they were built, which the guest does not have.
            continue
        if file.is_dir():
            yield f"dir {name} 0755 0 0"
        else:
            mode = 0o755 if os.access(file, os.X_OK) else 0o644
            yield f"file {name} {file} {mode:04o} 0 0"


def _applets() -> list[str]:
    if not _BUSYBOX.exists():
        raise KtError(f"{_BUSYBOX} is missing", hint="apt-get install busybox-static")
    names = proc.output([_BUSYBOX, "--list"]).split()
    return [name for name in names if name not in _OWN_APPLETS]


def _compile(source: Path, scratch: Path) -> Path:
    if not source.is_file():
        raise KtError(f"{source} is missing")
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s"]
    target = scratch / source.stem
    done = proc.capture(["gcc", *flags, "-o", target, source])
    if done.returncode != 0:
        raise KtError(
            f"{source} does not build", hint=done.stderr.strip(), outcome=Outcome.BUILD_FAIL
        )
    return target


def _cpio(generator: Path, lines: list[str], scratch: Path) -> bytes:
    file_list = scratch / "list"
    file_list.write_text("".join(f"{line}\n" for line in lines))
    # Those of older kernels can write nowhere else.
    return proc.output([generator, "-t", "1", file_list]).encode("utf-8", "surrogateescape")
