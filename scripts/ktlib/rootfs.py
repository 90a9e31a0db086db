# SPDX-License-Identifier: GPL-2.0
"""A guest with Debian's userspace: systemd, udev and what reads all of /proc and /sys.

mmdebstrap makes the userspace, which is kept; modules, kselftests and the test of hot-plug are put
on top of it, and mke2fs makes a file system of all that, as root in name only.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import tempfile
from pathlib import Path

from ktlib import debian, proc
from ktlib.errors import KtError
from ktlib.kbuild import Build
from ktlib.outcome import Outcome
from ktlib.ui import Ui

SUITE = "bookworm"
PACKAGES = (
    "dbus",
    "iproute2",
    "kmod",
    "lsof",
    "procps",
    "python3",
    "stress-ng",
    "systemd-sysv",
    "udev",
)
"""What the guest has beyond what Debian cannot do without."""

_SIZE = "2G"
# Who sits at its console is root, without a password.
_HOOKS = ('chroot "$1" passwd --delete root', 'echo guest > "$1/etc/hostname"')
_TEST = "usr/lib/f_revoke/hotplug"
_UNIT = "etc/systemd/system/hotplug.service"
_WANTED_BY = "etc/systemd/system/graphical.target.wants/hotplug.service"


def make_rootfs(build: Build, guest_sources: Path, cache: Path, ui: Ui) -> Path:
    """Write the disk that belongs to a build, as qcow2; without its backing userspace, if that is
    not in the cache, this takes some minutes and the machine's mirror of Debian."""
    userspace = _userspace(cache, ui)
    target = build.paths.image(build.folder.name).with_suffix("").with_suffix(".qcow2")
    with ui.step(f"image {target.name}") as step:
        with tempfile.TemporaryDirectory(prefix="kt-rootfs-", dir=build.paths.out) as folder:
            scratch = Path(folder)
            _lay_out(scratch / "top", build, guest_sources)
            _write_disk(scratch, userspace, target)
        step.result = f"{target.stat().st_size >> 20} MiB"
    return target


def _userspace(cache: Path, ui: Ui) -> Path:
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    command += [f"--customize-hook={hook}" for hook in _HOOKS]
    command += ["--format=tar", SUITE]
    key = hashlib.sha256(shlex.join(command).encode()).hexdigest()[:12]
    target = cache / f"userspace-{SUITE}-{key}.tar"
    if not target.exists():
        # Other checkouts have the same cache.
        with tempfile.TemporaryDirectory(prefix=".userspace-", dir=cache) as folder:
            unfinished = Path(folder) / "userspace.tar"
            with ui.step(f"make Debian's userspace, {SUITE}"):
                _do([*command, str(unfinished), debian.mirror()], f"mmdebstrap cannot make {SUITE}")
            unfinished.rename(target)
    return target


def _lay_out(top: Path, build: Build, guest_sources: Path) -> None:
    """What comes on top of Debian's files, at its places."""
    shutil.copytree(build.modules / "lib", top / "usr/lib", symlinks=True)
    shutil.copytree(build.kselftests, top / "kselftest")
    for source, place, mode in (
        ("hotplug.py", _TEST, 0o755),
        ("hotplug.service", _UNIT, 0o644),
    ):
        file = top / place
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(guest_sources / "debian" / source, file)
        file.chmod(mode)
    link = top / _WANTED_BY
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"/{_UNIT}")


def _write_disk(scratch: Path, userspace: Path, target: Path) -> None:
    root, raw = scratch / "root", scratch / "disk.raw"
    root.mkdir()
    steps = (
        ["tar", "--extract", "--numeric-owner", f"--file={userspace}", f"--directory={root}"],
        ["chown", "--recursive", "0:0", str(scratch / "top")],
        ["cp", "--archive", "--no-target-directory", str(scratch / "top"), str(root)],
        ["/sbin/mke2fs", "-q", "-t", "ext4", "-d", str(root), str(raw), _SIZE],
    )
    script = " && ".join(shlex.join(step) for step in steps)
    _do(["fakeroot", "sh", "-c", script], f"cannot write {target.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}")
    convert = ["qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd"]
    _do([*convert, str(raw), str(unfinished)], "qemu-img fails")
    unfinished.rename(target)


def _do(command: list[str], complaint: str) -> None:
    done = proc.capture(command)
    if done.returncode != 0:
        raise KtError(complaint, hint=done.stderr.strip()[-2000:], outcome=Outcome.BUILD_FAIL)
