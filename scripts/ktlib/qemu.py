# SPDX-License-Identifier: GPL-2.0
"""One QEMU: its command line, its life, and the deadlines that end it.

QEMU writes console and KTAP to files by itself; the watcher reads what has been added. Nothing is
lost when the watcher is slow, and a run that was cut off leaves all that the guest said.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path

from ktlib.errors import KtError

QEMU = "qemu-system-x86_64"
CONSOLE_LOG = "console.log"
KTAP_LOG = "ktap.log"
STDERR_LOG = "qemu.log"
PORT_NAME = "f_revoke.ktap"
FILES_TAR = "files.tar"
_FILES_PORT = "f_revoke.files"

_PANIC = b"Kernel panic - not syncing"
_PANIC_GRACE_S = 10.0
_POLL_S = 0.05
_FLOOD_BYTES = 256 << 20
# Devices in slots that they can be pulled from, and the way for a test in the guest to do that: QMP
# on a port, by which QEMU talks to itself. What comes that way may not start programs here.
_QMP_SOCKET = "qmp.sock"
_PLUGGABLE = (
    *("-sandbox", "on,spawn=deny"),
    *("-object", "memory-backend-ram,id=shared,size=1M,share=on"),
    *("-device", "pcie-root-port,id=bay,chassis=1"),
    *("-device", "ivshmem-plain,memdev=shared,bus=bay,id=pluggable"),
    *("-device", "pcie-root-port,id=school,chassis=2"),
    *("-device", "edu,bus=school,id=education"),
    *("-qmp", f"unix:{_QMP_SOCKET},server=on,wait=off"),
    *("-chardev", f"socket,id=qmp,path={_QMP_SOCKET},reconnect=1"),
    *("-device", "virtserialport,chardev=qmp,name=f_revoke.qmp"),
)
# One instruction after the other, each a nanosecond of the guest's time, however long it takes; and
# the same time of day in each run, since time stamps are compared by the second first.
_ICOUNT = ("-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm")
_NO_ORPHANS = ("setpriv", "--pdeathsig", "KILL")


class VmEnd(Enum):
    """Why a guest is no more. The value says it in words."""

    EXITED = "QEMU ended by itself"
    ABORTED = "QEMU ended with an error"
    PANICKED = "the kernel panicked and did not go away"
    NO_CONSOLE = "the kernel printed nothing"
    NO_BOOT = "init did not report in time"
    SILENT = "neither console nor tests gave a sign of life"
    OVERTIME = "the run took longer than it may"
    FLOOD = "the guest wrote without end"


@dataclass(frozen=True)
class Deadlines:
    """Seconds that may pass until the first byte of the console, until the first byte of results,
    between two signs of life, and in all."""

    first_byte_s: float
    boot_s: float
    silence_s: float
    total_s: float

    def scaled(self, factor: float) -> Deadlines:
        """The same for a machine that is slower by `factor`."""
        return Deadlines(*(getattr(self, field.name) * factor for field in fields(self)))


@dataclass(frozen=True)
class Guest:
    """What to boot: a kernel with a PVH entry, an initramfs or a disk, the words of its command."""

    vmlinux: Path
    userspace: Path
    append: str
    memory_mb: int
    cpus: int
    icount: bool = False


def machine(accel: str, cpus: int, memory_mb: int) -> list[str]:
    """The part of the command that a probe of the accelerator has to share with the real run."""
    speed = "tcg,thread=multi" if accel == "tcg" else accel
    return [
        *(QEMU, "-M", "q35", "-accel", speed, "-cpu", "max"),
        *("-smp", str(cpus), "-m", str(memory_mb)),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
    ]


def is_disk(userspace: Path) -> bool:
    """Whether it is a disk, which several guests can share: what they write to it is lost."""
    return userspace.suffix == ".qcow2"


def _from(userspace: Path) -> list[str]:
    if not is_disk(userspace):
        return ["-initrd", str(userspace)]
    drive = f"if=none,id=disk,format=qcow2,snapshot=on,file={userspace}"
    return ["-drive", drive, "-device", "virtio-blk-pci,drive=disk"]


def command(guest: Guest, accel: str, *, interactive: bool = False) -> list[str]:
    """The whole command; its logs are relative to the folder it runs in."""
    console = f"file,id=console,path={CONSOLE_LOG}"
    if interactive:
        console = f"stdio,id=console,mux=on,signal=off,logfile={CONSOLE_LOG}"
    speed = "tcg,thread=single" if guest.icount else accel
    return [
        *machine(speed, guest.cpus, guest.memory_mb),
        *(_ICOUNT if guest.icount else ()),
        *("-kernel", str(guest.vmlinux), *_from(guest.userspace), "-append", guest.append),
        *("-chardev", console, "-serial", "chardev:console"),
        *("-device", "virtio-serial-pci", "-chardev", f"file,id=ktap,path={KTAP_LOG}"),
        *("-device", f"virtserialport,chardev=ktap,name={PORT_NAME}"),
        *("-chardev", f"file,id=files,path={FILES_TAR}"),
        *("-device", f"virtserialport,chardev=files,name={_FILES_PORT}"),
        # Devices with registers to map, one of them to stay while the other one goes.
        *("-device", "edu", "-device", "edu"),
        # A network device with a clock.
        *("-device", "e1000e,romfile="),
        *_PLUGGABLE,
    ]


@contextmanager
def running(words: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """QEMU as a child that neither outlives this block nor this process."""
    with (folder / STDERR_LOG).open("wb") as stderr:
        try:
            child = subprocess.Popen(
                [*_NO_ORPHANS, *words],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError as error:
            raise KtError(f"cannot start QEMU: {error}", hint="kt deps") from error
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def complaint(folder: Path) -> str:
    """The first thing that QEMU itself said, '' if it had nothing to say."""
    log = folder / STDERR_LOG
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    stated = [line for line in lines if "error:" in line] or [line for line in lines if line]
    return re.sub(r"^qemu-[^:]*: (error: )?", "", stated[0]) if stated else ""


def attend(words: list[str], folder: Path) -> int:
    """QEMU in the foreground, on this terminal; its exit code."""
    return subprocess.run([*_NO_ORPHANS, *words], cwd=folder).returncode


class Tail:
    """The complete lines that are added to a file that someone else writes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rest = b""
        self.size = 0

    def lines(self) -> Iterator[bytes]:
        """What was completed since the last call, without line ends."""
        with suppress(FileNotFoundError), self._file.open("rb") as data:
            data.seek(self.size)
            added = data.read(1 << 20)
            self.size += len(added)
            *complete, self._rest = (self._rest + added).split(b"\n")
            yield from complete


class Watch:
    """Follows one QEMU to its end."""

    def __init__(
        self, child: subprocess.Popen[bytes], folder: Path, on_ktap: Callable[[str], None]
    ) -> None:
        self._child = child
        self._console = Tail(folder / CONSOLE_LOG)
        self._ktap = Tail(folder / KTAP_LOG)
        self._on_ktap = on_ktap
        self._start = self._last_sign = time.monotonic()
        self._panicked_at: float | None = None

    def until_end(self, deadlines: Deadlines) -> VmEnd:
        """Wait until QEMU ends or has to be ended (which is the caller's business)."""
        while True:
            # Asked first, so that what it wrote before it ended is still read.
            code = self._child.poll()
            while self._read():
                pass
            if code is not None:
                return VmEnd.ABORTED if code else VmEnd.EXITED
            end = self._overdue(deadlines)
            if end:
                return end
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(_POLL_S)

    def _read(self) -> bool:
        before = self._console.size + self._ktap.size
        for line in self._console.lines():
            if self._panicked_at is None and _PANIC in line:
                self._panicked_at = time.monotonic()
        for line in self._ktap.lines():
            self._on_ktap(line.decode("utf-8", "replace"))
        after = self._console.size + self._ktap.size
        if after == before or after > _FLOOD_BYTES:
            return False
        self._last_sign = time.monotonic()
        return True

    def _overdue(self, deadlines: Deadlines) -> VmEnd | None:
        now = time.monotonic()
        alive_s = now - self._start
        if self._console.size + self._ktap.size > _FLOOD_BYTES:
            return VmEnd.FLOOD
        if self._panicked_at is not None and now - self._panicked_at > _PANIC_GRACE_S:
            return VmEnd.PANICKED
        if alive_s > deadlines.total_s:
            return VmEnd.OVERTIME
        if not self._ktap.size:
            if not self._console.size and alive_s > deadlines.first_byte_s:
                return VmEnd.NO_CONSOLE
            return VmEnd.NO_BOOT if alive_s > deadlines.boot_s else None
        return VmEnd.SILENT if now - self._last_sign > deadlines.silence_s else None
