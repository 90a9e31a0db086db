# SPDX-License-Identifier: GPL-2.0
"""The folder of a run: what was booted, what it said, and how to boot it again."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tarfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ktlib import qemu

KERNEL = "vmlinux"
INITRD = "initrd.cpio.gz"
DISK = "disk.qcow2"
FILES = "files"

_REPLAY = """\
#!/bin/sh
# Boots the same guest once more; its logs go to the folder 'again' beside this script.
set -e
cd "$(dirname "$0")"
rm -rf again
mkdir again
cd again
ln -s ../{kernel} ../{userspace} .
exec {command}
"""


def create(runs: Path, profile: str) -> Path:
    """A new folder for a run that starts now; `latest` beside it leads to it."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{profile}"
    runs.mkdir(parents=True, exist_ok=True)
    folder, count = runs / name, 1
    while True:
        try:
            folder.mkdir()
            break
        except FileExistsError:
            count += 1
            folder = runs / f"{name}-{count}"
    _point(runs / "latest", folder.name)
    return folder


def keep_inputs(folder: Path, vmlinux: Path, userspace: Path, config: Path) -> Path:
    """Keep what is booted; a later build must not change it under a report's feet. Returns the
    name that the initramfs or the disk has there."""
    _link(vmlinux, folder / KERNEL)
    shutil.copyfile(config, folder / "config")
    if qemu.is_disk(userspace):
        _link(userspace, folder / DISK)
        return Path(DISK)
    shutil.copyfile(userspace, folder / INITRD)
    return Path(INITRD)


def write_command(folder: Path, command: Sequence[str], userspace: Path) -> None:
    """The command as it is run in `folder`, and a script that repeats it."""
    line = shlex.join(command)
    (folder / "cmd").write_text(f"{line}\n")
    script = folder / "replay.sh"
    script.write_text(_REPLAY.format(kernel=KERNEL, userspace=userspace, command=line))
    script.chmod(0o755)


def unpack_files(folder: Path, archive: Path) -> str:
    """What the guest sent, put into `folder`; what is wrong with it, '' if nothing is.

    Plain files alone: nothing that a guest says may lead elsewhere."""
    if not archive.exists() or not archive.stat().st_size:
        archive.unlink(missing_ok=True)
        return ""
    try:
        with tarfile.open(archive) as content:
            folder.mkdir(exist_ok=True)
            for member in content:
                data = content.extractfile(member) if member.isfile() else None
                if data:
                    (folder / Path(member.name).name).write_bytes(data.read())
    except tarfile.TarError as error:
        return f"{archive.name}: {error}"
    archive.unlink()
    return ""


def write_result(folder: Path, result: Mapping[str, object]) -> None:
    """result.json; what is in it is described in ktlib.run."""
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")


def _link(file: Path, place: Path) -> None:
    """A second name for a large file; linkers replace their output, they do not write into it."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)


def _point(link: Path, name: str) -> None:
    unfinished = link.with_name(f".{link.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        unfinished.unlink()
    unfinished.symlink_to(name)
    unfinished.replace(link)
